"""Measurements of Hippo's speed and size, run by ``make bench``; see README.md. Nothing here is a test."""
