"""Programs that run in an isolated interpreter with the layer, the standard library and each other.

Each has ``measured(given)``, which returns figures as JSON; ``bench.python_costs`` starts them.
"""
