"""Public suites: what every model and every reader promises, as functions that raise AssertionError where one does not."""
