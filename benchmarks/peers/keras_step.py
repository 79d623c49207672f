"""A step with Keras 3 on torch: `model.fit` on arrays.

Fairness: its progress bar is on; no metric but the loss.

python keras_step.py ROWS EPOCHS
"""

import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
from common import Clock, Epochs, say
from steps import BATCH, RATE, data


class Timed(keras.callbacks.Callback, Epochs):
    def __init__(self):
        keras.callbacks.Callback.__init__(self)
        Epochs.__init__(self)

    def on_epoch_begin(self, epoch, logs=None):
        self.begin()

    def on_epoch_end(self, epoch, logs=None):
        self.end()


def main():
    clock, timed = Clock(), Timed()
    inputs, targets, number = data()
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((784,)), dense(96, activation="relu"), dense(256, activation="relu"), dense(10)])
    model.compile(keras.optimizers.SGD(RATE), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(inputs.numpy(), targets.numpy(), batch_size=BATCH, epochs=number, callbacks=[timed])
    clock.seconds["step"] = timed.step(-(-len(inputs) // BATCH))
    say(clock)


main()
