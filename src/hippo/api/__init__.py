"""The web: the only package that imports Flask. `app.create_app` puts it together."""
