"""MNIST with Keras 3 on torch until an epoch's test accuracy reaches the target: a callback that sets stop_training.

Fairness: the same layers as the others in Keras's own terms; images have their channel last, as is its default.

python keras_mnist.py NETWORK TARGET FOLDER OUT
"""

import os

os.environ["KERAS_BACKEND"] = "torch"
import keras
from common import Clock, say
from mnist import BATCH, MOST_EPOCHS, RATE, arrays, words


def network(name):
    layers = keras.layers
    if name == "mlp":
        hidden = [layers.Flatten(), layers.Dense(512, activation="relu"), layers.Dense(512, activation="relu")]
    else:
        hidden = []
        for channels in (16, 32, 64):
            hidden += [layers.Conv2D(channels, 3, padding="same", use_bias=False), layers.MaxPooling2D(2, padding="same")]
            hidden += [layers.BatchNormalization(), layers.ReLU()]
        hidden += [layers.Conv2D(64, 3, padding="same", use_bias=False), layers.BatchNormalization(), layers.ReLU()]
        hidden += [layers.GlobalMaxPooling2D()]
    return keras.Sequential([keras.Input((28, 28, 1)), *hidden, layers.Dense(10)])


class Stop(keras.callbacks.Callback):
    def __init__(self, target):
        super().__init__()
        self.target = target

    def on_epoch_end(self, epoch, logs=None):
        self.accuracy, self.epochs = logs["val_accuracy"], epoch + 1
        self.model.stop_training = self.accuracy >= self.target


def main():
    clock = Clock()
    name, target, folder, out = words()
    keras.utils.set_random_seed(0)
    train, test = ((images.transpose(0, 2, 3, 1), labels) for images, labels in arrays(folder))
    clock.phase("read")
    model, stop = network(name), Stop(target)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(RATE), loss, metrics=["accuracy"])
    model.fit(*train, batch_size=BATCH[name], epochs=MOST_EPOCHS, validation_data=test, callbacks=[stop])
    clock.phase("train")
    model.save(f"{out}/model.keras")
    clock.phase("save")
    say(clock, accuracy=float(stop.accuracy), epochs=stop.epochs)


main()
