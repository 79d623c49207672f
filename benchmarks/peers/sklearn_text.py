"""The pipeline that scikit-learn's own documentation shows for text: TF-IDF of words and word pairs, then LinearSVC.

python sklearn_text.py TRAIN TEST      prints one JSON line; the model is saved with joblib, as its users do
python sklearn_text.py --vectorize TRAIN ROWS   only reads and vectorises, the rows repeated up to ROWS
"""

import csv
import json
import sys
import tempfile
import time
from pathlib import Path


def read(path):
    if path.endswith(".parquet"):
        import polars as pl

        frame = pl.read_parquet(path)
        return frame["text"].to_list(), [str(label) for label in frame["label"].to_list()]
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def main():
    begun = time.perf_counter()
    import joblib
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    vectorizer = TfidfVectorizer(ngram_range=(1, 2))
    if sys.argv[1] == "--vectorize":
        begun = time.perf_counter()
        texts, _ = read(sys.argv[2])
        rows = int(sys.argv[3])
        vectorizer.fit_transform((texts * (rows // len(texts) + 1))[:rows])
        print(json.dumps({"seconds": time.perf_counter() - begun}))
        return
    texts, labels = read(sys.argv[1])
    test_texts, test_labels = read(sys.argv[2])
    model = LinearSVC().fit(vectorizer.fit_transform(texts), labels)
    accuracy = model.score(vectorizer.transform(test_texts), test_labels)
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump((vectorizer, model), f"{folder}/model.joblib")
    print(json.dumps({"accuracy": accuracy, "seconds": time.perf_counter() - begun}))


main()
