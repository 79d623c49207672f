"""fastText on texts, as its tutorial on text classification: lower case, punctuation set apart, word pairs, 5 epochs.

Fairness: its Python package runs as many threads as there are cores, less one; that is its default and is left. All training
rows are used. Its input is a file of lines with `__label__`, so writing that file is a part of the work ("read").

python fasttext_text.py TRAIN TEST OUT
"""

import sys
from pathlib import Path

from common import Clock, rows, say
from fasttext_lines import line


def write(source, target):
    texts, labels = rows(source)
    names = {label: "__label__" + label.replace(" ", "_") for label in set(labels)}
    with Path(target).open("w", encoding="utf-8") as file:
        file.writelines(f"{names[label]} {line(text)}\n" for text, label in zip(texts, labels, strict=True))


def main(train, test, out):
    clock = Clock()
    import fasttext

    clock.phase("import")
    write(train, f"{out}/train.txt")
    write(test, f"{out}/test.txt")
    clock.phase("read")
    model = fasttext.train_supervised(input=f"{out}/train.txt", wordNgrams=2, epoch=5, verbose=0)
    clock.phase("train")
    _, accuracy, _ = model.test(f"{out}/test.txt")  # precision at one label, which is the accuracy
    clock.phase("evaluate")
    model.save_model(f"{out}/model.bin")
    clock.phase("save")
    say(clock, accuracy=accuracy)


main(*sys.argv[1:])
