"""scikit-learn on texts: TF-IDF of words and word pairs, then LinearSVC, as its documentation puts a text pipeline together.

Fairness: all training rows are used, none held out; no report and no plots are made; the model is saved with joblib.

python sklearn_text.py TRAIN TEST OUT
"""

import sys

from common import Clock, rows, say


def main(train, test, out):
    clock = Clock()
    import joblib
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    clock.phase("import")
    (texts, labels), (test_texts, test_labels) = rows(train), rows(test)
    clock.phase("read")
    model = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LinearSVC()).fit(texts, labels)
    clock.phase("train")
    accuracy = model.score(test_texts, test_labels)
    clock.phase("evaluate")
    joblib.dump(model, f"{out}/model.joblib")
    clock.phase("save")
    say(clock, accuracy=accuracy)


main(*sys.argv[1:])
