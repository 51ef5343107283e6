"""The servers below the web layer, one for each async mode; the only package that imports eventlet and gevent.

`async_mode` chooses one and patches Python for it; each of the others serves a WSGI application within `http_limits`.
What the application does is the matter of ``api``.
"""
