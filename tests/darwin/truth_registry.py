"""What the IO registry of a scenario holds at a time, computed without the recorder and without the fake kernel."""
from truth import Curve, ns_of


class Entry:
    def __init__(self, mac, item, parent):
        self.mac, self.item, self.parent = mac, item, parent
        self.children = [Entry(mac, child, self) for child in item.get("children", [])]

    def is_a(self, name):
        return name == self.item["class"] or name in self.item.get("is", [])

    def there(self, at):
        begin, end = self.item.get("there", (-10**6, 10**6))
        return ns_of(begin) <= at < ns_of(end) and (self.parent is None or self.parent.there(at))

    def within(self, name, at):
        begin, end = self.item.get(name, (0, 0))
        return ns_of(begin) <= at < ns_of(end)

    def value(self, at, *keys):
        return value_of(self.mac, self.item.get("properties", {}), at, *keys)


def now(item, at):
    """The latest step of { "steps": [[0, 5], [60, "text"]] }."""
    if isinstance(item, dict) and "steps" in item:
        found = [value for begin, value in item["steps"] if ns_of(begin) <= at]
        return found[-1] if found else None
    return item


def value_of(mac, item, at, *keys):
    """What is under the keys; None: nothing."""
    item = now(item, at)
    for key in keys:
        item = now(item.get(key), at) if isinstance(item, dict) else None
    if isinstance(item, dict) and "rates" in item:
        return Curve(item).at(mac.awake(at), 0)
    return item


def number(mac, item, at, *keys):
    """A whole number that is not below 0, or why there is none."""
    value = value_of(mac, item, at, *keys)
    if value is None:
        return "unsupported"
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else "failed"


def entries(mac, array=None, parent=None):
    array = mac.machine.get("registry", []) if array is None else array
    for item in array:
        entry = Entry(mac, item, parent)
        stack = [entry]
        while stack:
            entry = stack.pop(0)
            yield entry
            stack = entry.children + stack
