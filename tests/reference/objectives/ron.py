"""Configurations as Python values, and their RON text."""


class Tag:
    """A variant: `Tag("Ppo", low=0.2, high=0.2)` is `Ppo(low: 0.2, high: 0.2)`, `Tag("Focal", 1.0)` is `Focal(1.0)`."""

    def __init__(self, name, *arguments, **fields):
        self.name, self.arguments, self.fields = name, arguments, fields

    def get(self, field, default=None):
        return self.fields.get(field, default)


def name(value):
    """The variant's name: unit variants may be written as strings."""
    return value.name if isinstance(value, Tag) else value


def ron(value):
    if value is None:
        return "None"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "[" + ", ".join(map(ron, value)) + "]"
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key}: {ron(x)}" for key, x in value.items()) + ")"
    inside = [ron(x) for x in value.arguments] + [f"{key}: {ron(x)}" for key, x in value.fields.items()]
    return value.name + ("(" + ", ".join(inside) + ")" if inside else "")
