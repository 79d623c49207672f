"""A text as fastText's tutorial prepares it: one line, lower case, punctuation set apart."""

import re


def line(text):
    return " ".join(re.sub(r"([.!?,'/()])", r" \1 ", text).lower().split())
