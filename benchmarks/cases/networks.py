"""Networks: the same one for everybody, with the same settings unless the system's name says otherwise."""

from __future__ import annotations

from functools import partial

from case import OUT, Case, Place, Target, train

from cases.texts import files

OURS = "trainwright"
LOOP, LIGHTNING, TRANSFORMERS = "tutorial's loop", "Lightning", "Transformers Trainer"
KERAS, IGNITE, SKORCH = "Keras 3 on torch", "Ignite", "skorch"
FLOAT32 = "plain loop, float32"
FRAMEWORKS = {LIGHTNING: "lightning", TRANSFORMERS: "transformers", KERAS: "keras", SKORCH: "skorch"}
SAME = "trainwright, peers' settings"
MLP = "model=mlp model.hidden=512,512 model.dropout=0 augment= batch_size=256 lr=0.002 epochs=4"
CONVNET = "--recipe digits epochs=1 augment="
TOKENS = 929_589


def tutorial(place: Place) -> dict[str, list[str]]:
    source, test = files(place, "ag_news_10k", "csv")
    words = "--test", test, "--recipe", "news-tutorial", "lr=5"
    peers = {LOOP: "loop", **FRAMEWORKS, IGNITE: "ignite"}
    return {OURS: train(source, *words)} | {
        name: place.peer(f"{peer}_tutorial", source, test, OUT) for name, peer in peers.items()
    }


def digits(network: str, target: float, words: str, place: Place) -> dict[str, list[str]]:
    folder = place.data / "mnist"
    if place.small:
        folder, target = place.made("images", "mnist", folder, 2000), 0.85
    found = {OURS: train(folder, *words.split()), SAME: place.ours("reach", network, target, folder, OUT)}
    return found | {name: place.peer(f"{peer}_mnist", network, target, folder, OUT) for name, peer in FRAMEWORKS.items()}


def language(place: Place) -> dict[str, list[str]]:
    folder = place.data / "ptb"
    if place.small:
        folder = place.made("lines", "ptb", folder, 400)
    return {
        OURS: train(folder, "--recipe", "ptb-small", "epochs=1"),
        FLOAT32: place.peer("loop_ptb", folder, OUT),
    }


def step(place: Place) -> dict[str, list[str]]:
    rounds, rows, epochs = (1, 1280, 2) if place.small else (15, 12_800, 10)
    peers = {"loop over a DataLoader": "loader", **FRAMEWORKS, IGNITE: "ignite"}
    ours = place.ours("../step", rounds, rows, "--json")
    return {OURS: ours} | {name: place.peer(f"{peer}_step", rows, epochs) for name, peer in peers.items()}


CASES = (
    Case(
        "tutorial",
        "The model of PyTorch's text classification tutorial on ag_news_10k, from the CSV file to the end of the program: "
        "EmbeddingBag 64, 10 epochs, batch 64, SGD with rate 5, times 0.1 after each epoch, gradients clipped to 0.1. Ours is "
        "the recipe news-tutorial with lr=5, the tutorial's own rate.",
        tutorial,
        (Target("wall", 1 / 3, against=(LOOP, *FRAMEWORKS, IGNITE)),),
        data=("ag_news_10k",),
        gpu=True,
    ),
    Case(
        "mnist-mlp",
        "784-512-512-10 on MNIST to 98 % of the test images. Peers: Adam 0.001, batch 64, until an epoch's accuracy on them is "
        "there. Ours: the whole command, four epochs of AdamW 0.002 falling to zero, batch 256, chosen on validation images; "
        "and once more with the peers' settings and end.",
        partial(digits, "mlp", 0.98, MLP),
        (Target("wall", 1 / 3, against=tuple(FRAMEWORKS)), Target("wall", 1 / 3, against=tuple(FRAMEWORKS), system=SAME)),
        data=("mnist",),
        gpu=True,
        reach=0.98,
    ),
    Case(
        "mnist-convnet",
        "A convolutional network (16, 32, 64, 64 channels, batch norm) on MNIST to 99 % of the test images. Peers: Adam 0.001, "
        "batch 128, until an epoch's accuracy on them is there. Ours: the whole command, one epoch of the recipe digits "
        "without its moved images, chosen on validation images; and once more with the peers' settings and end.",
        partial(digits, "convnet", 0.99, CONVNET),
        (Target("wall", 1 / 3, against=tuple(FRAMEWORKS)), Target("wall", 1 / 3, against=tuple(FRAMEWORKS), system=SAME)),
        data=("mnist",),
        gpu=True,
        reach=0.99,
    ),
    Case(
        "ptb",
        "One epoch of the LSTM of the recipe ptb-small (2 x 200, batch 20, 20 steps) on the Penn Treebank. The phase train "
        "holds the epoch and one validation for both; perplexity is that of the test text.",
        language,
        (Target("seconds.train", 1 / 2, against=(FLOAT32,)), Target("perplexity", 1.01, against=(FLOAT32,))),
        data=("ptb",),
        gpu=True,
        count=(TOKENS, "tokens", "train"),
    ),
    Case(
        "step",
        "A step of 784-96-256-10, batch 64, SGD, rows in memory. The first row is tw.fit with its bar on and a bare loop over "
        "the same tensors, alternated in one process (step.py); the ratio is theirs.",
        step,
        (Target("ratio", 1.05),),
        gpu=True,
    ),
)  # fmt: skip
