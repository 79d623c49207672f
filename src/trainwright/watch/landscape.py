def draw(found, name): return {}
