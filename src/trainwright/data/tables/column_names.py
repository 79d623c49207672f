"""The names people give to columns: evidence for a header line, and for what a column is."""

from __future__ import annotations

# Strongest first: of a column called "label" and one called "topic" it is "label" that is learned.
LABEL_NAMES: tuple[tuple[str, ...], ...] = (
    ("label", "labels", "target", "class", "y", "ground_truth", "gold"),
    (
        "category",
        "sentiment",
        "topic",
        "intent",
        "emotion",
        "polarity",
        "class_name",
        "label_name",
        "class_index",
        "cats",
        "categories",
        "topics",
        "emotions",
    ),
    ("stars", "rating", "score", "overall", "genre", "genres", "tag", "tags", "type", "airline_sentiment", "language", "lang"),
)
# What a table is usually made to predict, besides the strongest names of a label.
TARGET_NAMES = (
    "outcome", "response", "survived", "price", "saleprice", "sale_price", "median_house_value", "medv", "diagnosis", "species",
    "variety", "churn", "churned", "exited", "default", "loan_status", "attrition", "fraud", "is_fraud", "progression",
)  # fmt: skip
TITLE_NAMES = ("title", "headline", "subject", "summary")
BODY_NAMES = (
    "text", "description", "review", "content", "body", "sentence", "comment", "message", "tweet", "document",
    "article", "abstract", "question", "utterance", "post", "review_text", "reviewtext", "review_body",
    "comment_text", "phrase", "sms", "email", "story", "input",
)  # fmt: skip
SPLIT_FLAGS = ("is_train", "is_training", "is_valid", "is_val", "is_validation", "is_test", "in_train", "in_test")
SPLIT_NAMES = ("split", "fold", "partition", "subset", "set")
# What such a column says, by the number of the split. "eval" is what is tested on, unless something else is (``split.stated``).
SPLIT_WORDS = {
    "train": 0, "training": 0, "valid": 1, "validation": 1, "val": 1, "dev": 1, "development": 1, "validate": 1,
    "test": 2, "testing": 2, "eval": 2, "evaluation": 2, "holdout": 2,
}  # fmt: skip
POSTAL_NAMES = ("zip", "zipcode", "zip_code", "postcode", "post_code", "postal_code", "postalcode", "plz", "cep", "pincode")
PHONE_WORDS = frozenset(("phone", "phones", "telephone", "tel", "telefon", "telefono", "mobile", "cellphone", "cell", "fax"))
DATE_WORDS = frozenset(("date", "day", "time", "timestamp", "datetime", "datum", "dt", "created", "updated", "modified"))
_OTHER_NAMES = (
    "id", "idx", "index", "uid", "name", "date", "time", "timestamp", "url", "source", "author", "user", "path",
)  # fmt: skip

KNOWN = frozenset([name for tier in LABEL_NAMES for name in tier] + [*TITLE_NAMES, *BODY_NAMES, *SPLIT_NAMES, *_OTHER_NAMES])


def plain(name: str) -> str:
    """Return a column's name as the lists above spell it: ``"Review Text "`` becomes ``"review_text"``."""
    return "_".join(name.strip().casefold().replace("-", " ").split())
