"""Background jobs: queue, workers, states, events, and what is kept of them. Knows no Flask.

Read ``job`` for the states, ``manager`` for the whole picture, ``run`` for what happens inside a worker.
"""
