"""The main job from outside: rider, caseworker, partner and gateway over HTTP, step by step.

Also the load script of the service. Imports nothing of the service but its settings' words.
"""
