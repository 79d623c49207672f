"""The tutorial's model with Keras 3 on torch: padded rows, Embedding with a mask, the mean over a row, Dense.

Fairness: Keras has no EmbeddingBag and its TextVectorization needs TensorFlow, so each row is cut into tokens once, by the
tutorial's function, and padded to the longest row; that saves it the work of each epoch and costs it padding.

python keras_tutorial.py TRAIN TEST OUT
"""

import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
import keras
import numpy as np
from common import Clock, say
from tutorial import BATCH, CLIP, EPOCHS, GAMMA, RATE, WIDTH, News


def main(train, test, out):
    clock = Clock()
    keras.utils.set_random_seed(0)
    news = News(train, test)
    parts = {}
    for name in ("train", "valid", "test"):
        pairs = getattr(news, name)
        # The mask takes number 0 for padding, so words are counted from 1.
        lists = [[number + 1 for number in news.numbers(text)] for _, text in pairs]
        parts[name] = keras.utils.pad_sequences(lists, padding="post"), np.array([label for label, _ in pairs])
    clock.phase("read")
    uniform = keras.initializers.RandomUniform(-0.5, 0.5)
    model = keras.Sequential(
        [
            keras.layers.Embedding(len(news.words) + 1, WIDTH, mask_zero=True, embeddings_initializer=uniform),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(len(news.labels), kernel_initializer=uniform),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(RATE, global_clipnorm=CLIP), loss, metrics=["accuracy"])
    lowered = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * GAMMA if epoch else rate)
    model.fit(*parts["train"], batch_size=BATCH, epochs=EPOCHS, validation_data=parts["valid"], callbacks=[lowered])
    clock.phase("train")
    _, found = model.evaluate(*parts["test"], batch_size=BATCH)
    clock.phase("evaluate")
    model.save(f"{out}/model.keras")
    clock.phase("save")
    say(clock, accuracy=found)


main(*sys.argv[1:])
