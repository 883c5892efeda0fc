"""Hostile, damaged and odd things that come in as a dataset, each with what must become of it."""

import gzip
import io
import os
import shutil
import socket
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fer_core.datasets.dataset import Dataset
from tests.datasets.hostile_images import ACCEPTED, REFUSED
from tests.datasets.hostile_runner import SHADES

GOOD = 3  # images of each class that are right
RIGHT = GOOD * len(SHADES)
VOTES = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
COLUMNS = "path,row,what,expression,reason,time\n"
ZEROS, NULL = Path("/dev/zero"), Path("/dev/null")


@dataclass(frozen=True)
class Case:
    """An input and what must become of it."""

    kind: str
    name: str
    build: Callable[[Path], object]  # makes it in a folder
    argument: str = "faces"  # the source below that folder, or what the action needs
    action: str = "add"
    results: tuple[str, ...] = ("imported",)
    right: int | None = RIGHT  # images that must be imported, if any are
    noted: bool = False  # whether the notes must tell that something was skipped


refused = partial(Case, results=("refused",), right=None)
either = partial(Case, results=("imported", "refused"), right=None)


def image(shade: int, format: str = "PNG", side: int = 16) -> bytes:
    buffer = io.BytesIO()
    # A dark corner tells images of one shade apart; the shade is that of the other corner.
    pixels = np.full((side, side), shade, np.uint8)
    pixels[-1, -1] = np.random.default_rng().integers(256)
    Image.fromarray(pixels).save(buffer, format)
    return buffer.getvalue()


def good_files() -> dict[str, bytes]:
    return {f"{name}/{i}.png": image(shade) for name, shade in SHADES.items() for i in range(GOOD)}


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def tree(folder: Path) -> Path:
    return write(folder / "faces", good_files())


def all_cases() -> list[Case]:
    makers = (special, images, names, classes, pixel_tables, votes, path_tables, face_tables, boxes,
              archives, odd_archives, tars, floods, trees, corrections, uploads, later)  # fmt: skip
    return [case for maker in makers for case in maker()]


# Entries of a folder that are no files


def special() -> Iterator[Case]:
    def beside(name: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
        def build(folder: Path) -> None:
            root = tree(folder)
            make(root / name)

        return build

    def link(target: str | Path) -> Callable[[Path], object]:
        return lambda path: path.symlink_to(target)

    def circle(path: Path) -> None:
        path.symlink_to(path.with_name("b.png"))
        path.with_name("b.png").symlink_to(path)

    def bind(path: Path) -> None:
        place = Path.cwd()
        os.chdir(path.parent)  # the name of a socket is short
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
        os.chdir(place)

    noted = {
        "pipe": ("happy/pipe.jpg", os.mkfifo),
        "socket": ("happy/socket.png", bind),
        "zeros": ("happy/zeros.jpg", link(ZEROS)),
        "random": ("happy/random.png", link("/dev/urandom")),
        "terminal": ("happy/tty.png", link("/dev/tty")),
        "null": ("happy/null.png", link(NULL)),
        "itself": ("happy/itself.jpg", link("itself.jpg")),
        "circle": ("happy/a.png", circle),
        "nothing": ("happy/nothing.png", link("nowhere.png")),
        "folder of itself": ("happy/folder", link("folder")),
        "everything": ("happy/root", link("/")),
        "its own folder": ("happy/up", link("..")),
        "pipe in the root": ("pipe.png", os.mkfifo),
    }
    for name, (place, make) in noted.items():
        yield Case("special", name, beside(place, make), noted=True)
    for name, make in {"pipe": os.mkfifo, "zeros": link(ZEROS), "itself": link("x.csv")}.items():
        for place in ("x.csv", "happy/x.csv", "list_patition_label.txt", "EmoLabel"):
            yield Case("special", f"{name} as {place}", beside(place, make))
    yield Case(
        "special",
        "a folder named as an image",
        beside("happy/x.png", lambda path: path.mkdir()),
    )
    yield either("special", "the source is a pipe", lambda f: os.mkfifo(f / "x.csv"), "x.csv")
    yield refused("special", "zeros as a .zip", lambda f: (f / "x.zip").symlink_to(ZEROS), "x.zip")
    yield refused(
        "special", "the source is a link to itself", lambda f: (f / "faces").symlink_to("faces")
    )


# Files that look like images


def images() -> Iterator[Case]:
    def build(name: str, make: Callable[[], bytes], folder: Path) -> None:
        write(tree(folder), {f"happy/{name}": make()})

    for name, make in REFUSED.items():
        yield Case("images", name, partial(build, name, make), noted=True)
    for name, make in ACCEPTED.items():
        yield Case("images", name, partial(build, name, make))


# Names


def names() -> Iterator[Case]:
    def build(names: tuple[bytes, ...], folder: Path) -> None:
        root = os.fsencode(tree(folder) / "happy")
        for name in names:
            Path(os.fsdecode(root + b"/" + name)).write_bytes(image(SHADES["happy"]))

    odd = (b"a\rb.png", b"a\nb.png", b"a\r\nb.png", b"\x1b[31mred.png", b"a\x7f.png",
           "a\u2028b.png".encode(), "a\u2029b.png".encode(), "a\x85b.png".encode(),
           b"\xff\xfe.png", b"caf\xe9.png", b"\xed\xa0\x80.png", b"a\xc0\x80b.png")  # fmt: skip
    usual = (b" a .png", b"a,b.png", b'"a".png', b'a"b.png', b"'a'.png", b"NA.png", b"nan.png",
             b"null.png", b"001.png", b"1e3.png", b"=1+1.png", b"-1.png", b"@a.png", b"#a.png",
             "\ufeffa.png".encode(), "\u202egnp.png".encode(), "😀.png".encode(), b"a;b.png",
             "\u00a0.png".encode(), b"a" * 251 + b".png", b"a\\b.png", b"%s%n.png", b"a|b.png",
             "e\u0301.png".encode(), b"[x](y).png", b"<b>.png", b"$x$.png", b"-.png")  # fmt: skip
    yield Case("names", "odd", partial(build, odd), noted=True)
    yield Case("names", "usual", partial(build, usual), right=RIGHT + len(usual))


def classes() -> Iterator[Case]:
    def build(names: tuple[bytes, ...], folder: Path) -> None:
        root = os.fsencode(tree(folder))
        for name in names:
            path = Path(os.fsdecode(root + b"/" + name))
            path.mkdir()
            for number in range(2):
                (path / f"{number}.png").write_bytes(image(99 + number))

    odd = (b"a\rb", b"\r", b"a\nb", "a\u2028b".encode(), b"\xff", b"\x1b[2J")
    usual = (b"NA", b"nan", b"null", b"None", b"true", b"1e3", b" spaced ", b'"', b"a,b",
             b"=1", "\u00a0".encode(), b"x" * 255, "😀".encode())  # fmt: skip
    yield Case("classes", "odd", partial(build, odd), noted=True)
    yield Case("classes", "usual", partial(build, usual))


# Tables of pixels


def pixel_row(expression: str, side: int = 48) -> str:
    return " ".join([str(SHADES[expression])] * (side * side))


def pixel_lines() -> list[str]:
    return ["emotion,pixels"] + [
        f"{name},{pixel_row(name)}" for name in SHADES for _ in range(GOOD)
    ]


def write_csv(make: Callable[[], bytes], folder: Path) -> None:
    (folder / "x.csv").write_bytes(make())


def pixel_tables() -> Iterator[Case]:
    def build(lines: Callable[[], Iterable[str]], folder: Path) -> None:
        (folder / "x.csv").write_text("\n".join([*pixel_lines(), *lines()]))

    def table(name: str, more: list[str], **expected: Any) -> Case:
        return Case("pixels", name, partial(build, lambda: more), "x.csv", **expected)

    row = pixel_row("happy")
    yield table("good", [])
    yield table("carriage return in a class", [f'"hap\rpy",{row}'], noted=True)
    yield table("line break in a class", [f'"hap\npy",{row}'], noted=True)
    yield table("long class", [f"{'x' * 5000},{row}"], noted=True)
    yield table("no class", [f",{row}"], noted=True)
    yield table("words", ["happy,a b c d"], noted=True)
    yield table("large numbers", [f"happy,{row.replace('40', str(10**30), 1)}"], noted=True)
    yield table("negative", [f"happy,{row.replace('40', '-1', 1)}"], noted=True)
    yield table("nan", [f"happy,{row.replace('40', 'nan', 1)}"], noted=True)
    yield table("a million cells in a row", ["happy," + "," * 10**6])
    makers: dict[str, Callable[[], Iterable[str]]] = {
        "open quote": lambda: ['happy,"' + "1 " * 10],
        "zeros": lambda: ["happy,\0\0"],
        "a long line": lambda: ["happy," + "1 " * 60_000_000],
        "rows without pixels": lambda: ["happy,"] * 1_500_000,
        "large images that are missing": lambda: [f"happy,{'1 ' * 1_000_000}", *["x,"] * 500_000],
    }
    for name, make in makers.items():
        yield either("pixels", name, partial(build, make), "x.csv")
    contents: dict[str, Callable[[], bytes]] = {
        "empty": lambda: b"",
        "binary": lambda: bytes(range(256)) * 1000,
        "header alone": lambda: b"emotion,pixels\n",
        "300,000 columns": lambda: b"a," * 300_000 + b"\n" + b"1," * 300_000,
        "a gigapixel": lambda: b"emotion,pixels\nhappy," + b"0 " * 8_000_000,
        "no line ends": lambda: b"emotion,pixels," * 3_000_000,
        "three million rows": lambda: b"emotion,pixels\n" + b"a,b\n" * 3_000_000,
    }
    for name, content in contents.items():
        yield refused("pixels", name, partial(write_csv, content), "x.csv")


def votes() -> Iterator[Case]:
    def build(make: Callable[[Path], object], folder: Path) -> None:
        (folder / "faces").mkdir()
        (folder / "faces" / "fer2013.csv").write_text("\n".join(pixel_lines()))
        make(folder / "faces" / "fer2013new.csv")

    def lines(row: str, count: int = RIGHT) -> Callable[[Path], object]:
        return lambda path: path.write_text("\n".join([f"Usage,{VOTES}", *[row] * count]))

    row = "Training,4,0,0,1,3,2,0,0,0,0"
    makers: dict[str, Callable[[Path], object]] = {
        "right": lines(row),
        "ragged": lines(row + ",1,2,3"),
        "short": lines("Training,1"),
        "words": lines(row.replace("4", "four")),
        "nan": lines(row.replace("4", "nan")),
        "huge": lines(row.replace("4", "9" * 40)),
        "too few": lines(row, 2),
        "millions": lines(row, 1_000_000),
        "open quote": lines('Training,"4'),
        "zeros": lines(row + "\0"),
        "pipe": os.mkfifo,
        "endless": lambda path: path.symlink_to(ZEROS),
        "itself": lambda path: path.symlink_to(path.name),
        "folder": lambda path: path.mkdir(),
        "binary": lambda path: path.write_bytes(bytes(range(256)) * 1000),
    }
    for name, make in makers.items():
        yield Case("votes", name, partial(build, make))


# Tables of paths


def path_tables() -> Iterator[Case]:
    def build(rows: tuple[str, ...], folder: Path) -> None:
        root = tree(folder)
        for name in SHADES:
            (root / name).rename(root / f"images_{name}")
        os.mkfifo(root / "pipe.png")
        (root / "zeros.png").symlink_to(ZEROS)
        (root / "itself.png").symlink_to("itself.png")
        good = [f"images_{name}/{i}.png,{name}" for name in SHADES for i in range(GOOD)]
        text = "\n".join(["path,label", *good, *rows])
        (root / "labels.csv").write_bytes(text.encode("utf-8", "surrogateescape"))

    bad = ("pipe.png,happy", "zeros.png,happy", "itself.png,happy", "/dev/zero,happy",
           "/proc/self/mem,happy", "images_happy,happy", "http://x.org/a.png,happy",
           f"{'a' * 10_000}.png,happy", f"{'a/' * 3000}b.png,happy", "../../../../etc/passwd,happy",
           '"images_happy/0.png","hap\rpy"', f"images_sad/0.png/x.png,{'x' * 999}",
           "caf\udce9.png,happy", "labels.csv,happy", ",happy", ".,happy",
           "~/x.png,happy")  # fmt: skip
    yield Case("paths", "bad", partial(build, bad), "faces/labels.csv")
    yield Case("paths", "a class with a line break", partial(build, ('/etc/hostname,"a\nb"',)),
               "faces/labels.csv")  # fmt: skip


def face_tables() -> Iterator[Case]:
    """Tables with face boxes and votes, and tables beside folders that say nothing."""

    def build(header: str, good: str, bad: list[str], folder: Path) -> None:
        root = tree(folder)
        for name in SHADES:
            (root / name).rename(root / f"images_{name}")
        rows = [f"images_{name}/{i}.png,{name}{good}" for name in SHADES for i in range(GOOD)]
        for number, values in enumerate(bad):
            write(root, {f"images_odd/{number}.png": image(SHADES["happy"])})
            rows.append(f"images_odd/{number}.png,happy{values}")
        (root / "labels.csv").write_text("\n".join([f"path,label{header}", *rows]))

    boxes = ("nan,0,9,9", "0,0,inf,9", "0,0,1e308,1e308", "9,9,0,0", "5,5,5,5", "a,b,c,d",
             "0,0,12000,12000", "0,0,1e9,1e9", "-1e30,0,9,9", ",,9,9", "90,90,99,99")  # fmt: skip
    built = partial(build, ",x1,y1,x2,y2", ",0,0,9,9", [f",{box}" for box in boxes])
    yield Case("faces", "boxes", built, noted=True)
    built = partial(build, ",x1,y1,x2,y2", ",0,0,9,9", [",,,,"])
    yield Case("faces", "no box", built, right=RIGHT + 1)
    for vote in ("1.5", "nan", "inf", "-1", "1e300", "x"):
        built = partial(build, ",happiness,sadness,unknown,nf", ",1,1,0,0", [f",{vote},1,0,0"])
        yield Case("faces", f"vote {vote}", built, right=None)

    def beside(text: str, folder: Path) -> None:
        (tree(folder) / "notes.csv").write_text(text)

    texts = {
        "an open quote": 'a,b\n1,"2\n' + "x,y\n" * 50,
        "an open quote in the first line": '"a,b\n1,2\n',
        "dashes": ("1" + "-" * 60) * 7 + "x,happy\n" + "1,2\n",
        "dots": "a,b\n" + ("1" + "." * 60) * 7 + "x,happy\n",
        "digits": f"image,label\na.png,{'1' * 1_000_000}\n",
        "an image and spaces": "a.jpg" + " " * 150_000 + "x.jpg" * 9_000 + "\n",
        "a hundred thousand columns": ",".join("abc"[i % 3] for i in range(90_000)) + "\n" + (
            "1," * 90_000 + "\n") * 30,
        "zeros": "path,label\n\0\0,happy\n",
        "binary": "".join(map(chr, range(256))) * 99,
    }  # fmt: skip
    for name, text in texts.items():
        yield Case("faces", f"beside: {name}", partial(beside, text))


# RAF-DB's boxes


def boxes() -> Iterator[Case]:
    Makers = dict[str, Callable[[Path], object]]

    def build(makers: Makers, folder: Path) -> None:
        root, lines = folder / "faces", []

        def add(stem: str, name: str) -> None:
            lines.append(f"{stem}.jpg {4 if name == 'happy' else 5}")
            write(root, {f"Image/original/{stem}.jpg": image(SHADES[name], "PNG", 40)})

        place = root / "Annotation" / "boundingbox"
        place.mkdir(parents=True)
        for number, name in enumerate([*SHADES] * GOOD):
            add(f"train_{number:05d}", name)
            (place / f"train_{number:05d}_boundingbox.txt").write_text("0 0 20 20\n")
        for number, make in enumerate(makers.values()):
            add(f"test_{number:05d}", "happy")
            make(place / f"test_{number:05d}_boundingbox.txt")
        write(root, {"EmoLabel/list_patition_label.txt": "\n".join(lines).encode()})

    def text(content: str) -> Callable[[Path], object]:
        return lambda path: path.write_text(content)

    bad = ("nan nan nan nan", "0 0 nan 20", "0 0 inf 20", "0 0 1e308 1e308", "0 0 12000 12000",
           "0 0 1000000000 1000000000", "-1e9 -1e9 1e9 1e9", "20 20 0 0", "5 5 5 5", "0 0 20", "",
           "a b c d", "100 100 120 120", f"0 0 {'9' * 400} 20", "0 0 20 90", "\0" * 900,
           "0 0 20 20 " * 10_000)  # fmt: skip
    others: Makers = {
        "none": lambda path: None,
        "pipe": os.mkfifo,
        "zeros": lambda path: path.symlink_to(ZEROS),
        "itself": lambda path: path.symlink_to(path.name),
    }
    texts = {content: text(content) for content in bad}
    yield Case("boxes", "bad", partial(build, {**texts, **others}), noted=True)
    beyond = {"beyond the edge": text("-5 -5 45 45")}
    yield Case("boxes", "beyond the edge", partial(build, beyond), right=RIGHT + 1)


# Archives


def zipped(path: Path, members: dict[str, bytes], **how: Any) -> bytearray:
    with zipfile.ZipFile(path, "w", **how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return bytearray(path.read_bytes())


def patched(data: bytearray, name: bytes, offset: int, value: bytes) -> bytearray:
    """Changes both headers of a member; the offset is that of the list at the end."""
    for signature, size, shift in ((b"PK\x01\x02", 46, 0), (b"PK\x03\x04", 30, 2)):
        place = data.index(name)
        while not data.startswith(signature, place - size):
            place = data.index(name, place + 1)
        start = place - size + offset - shift
        data[start : start + len(value)] = value
    return data


def archives() -> Iterator[Case]:
    def build(change: Callable[[bytearray], bytes | bytearray], folder: Path) -> None:
        members = {**good_files(), "happy/odd_1.png": image(SHADES["happy"])}
        data = zipped(folder / "x.zip", members)
        (folder / "x.zip").write_bytes(change(data))

    def one(name: str, change: Callable[[bytearray], bytes | bytearray], **expected: Any) -> Case:
        return Case("archives", name, partial(build, change), "x.zip", **expected)

    odd = b"happy/odd_1.png"

    def renamed(name: bytes, flags: bytes = b"\0\0") -> Callable[[bytearray], bytearray]:
        return lambda data: patched(data, odd, 8, flags).replace(odd, name)

    def torn(data: bytearray) -> bytearray:
        place = data.index(odd) + len(odd) + 5
        data[place : place + 20] = bytes(20)
        return data

    def refuse(name: str, change: Callable[[bytearray], bytes | bytearray]) -> Case:
        return one(name, change, results=("refused",), right=None)

    yield one("good", bytes, right=RIGHT + 1)
    yield one("not UTF-8", renamed(b"happy/odd_\xff.png", b"\0\x08"), noted=True)
    yield one("not UTF-8, class", renamed(b"hap\xff/odd_11.png"[:15], b"\0\x08"), noted=True)
    yield one("code page 437", renamed(b"happy/odd_\x81.png"), right=RIGHT + 1)
    yield one("encrypted", lambda data: patched(data, odd, 8, b"\1\0"), noted=True)
    yield one("strongly encrypted", lambda data: patched(data, odd, 8, b"\x41\0"), noted=True)
    for method in (1, 6, 9, 93, 95, 97, 98, 99, 65535):
        value = struct.pack("<H", method)
        yield one(f"method {method}", lambda data, v=value: patched(data, odd, 10, v), noted=True)
    yield one("carriage return", renamed(b"happy/odd_\r.png"), noted=True)
    yield one("line break", renamed(b"happy/odd_\n.png"), noted=True)
    yield one("backslash", renamed(b"happy\\odd_1.png"), right=RIGHT + 1)
    yield one("damaged", torn, noted=True)
    yield refuse("outside", renamed(b"../ppy/odd_1.png"[:15]))
    yield refuse("absolute", renamed(b"/appy/odd_1.png"))
    yield refuse("drive", renamed(b"C:ppy/odd_1.png"))
    yield refuse("null character", renamed(b"happy/od\0_1.png"))
    yield refuse("truncated", lambda data: data[: len(data) // 2])
    yield refuse("no list", lambda data: data[:-22])
    yield refuse("empty", lambda data: b"")
    yield refuse("text", lambda data: b"no archive" * 1000)
    yield refuse("list beyond the end", lambda data: data[:-6] + b"\xff\xff\xff\x7f\0\0")
    yield one("junk before", lambda data: b"MZ" + bytes(100_000) + data, right=RIGHT + 1)
    yield one(
        "comment with a second end",
        lambda data: data[:-2] + b"\x1a\0" + b"PK\5\6" + bytes(22),
        results=("imported", "refused"),
        right=None,
    )


@cache
def many_outside() -> bytes:
    """Returns an archive with 400,000 paths out of it, which takes seconds to make."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for number in range(400_000):
            archive.writestr(f"../{number}.png", b"")
    return content.getvalue()


def write_many_outside(folder: Path) -> None:
    (folder / "x.zip").write_bytes(many_outside())


def odd_archives() -> Iterator[Case]:
    def build(members: Callable[[], dict[str, bytes]], folder: Path, **how: Any) -> None:
        zipped(folder / "x.zip", members(), **how)

    def many(pattern: str, count: int) -> Callable[[], dict[str, bytes]]:
        return lambda: {pattern.format(i): b"" for i in range(count)}

    def also(more: dict[str, bytes]) -> Callable[[], dict[str, bytes]]:
        return lambda: {**good_files(), **more}

    def link(folder: Path) -> None:
        with zipfile.ZipFile(folder / "x.zip", "w") as archive:
            member = zipfile.ZipInfo("happy/link.png")
            member.external_attr = (0o120777) << 16
            archive.writestr(member, "/etc/passwd")

    def twice(folder: Path) -> None:
        zipped(folder / "x.zip", good_files())
        with zipfile.ZipFile(folder / "x.zip", "a") as archive:
            archive.writestr("HAPPY/0.PNG/x.png", image(9))

    deflated = {"compression": zipfile.ZIP_DEFLATED}
    yield refused("archives", "400,000 outside", write_many_outside, "x.zip")
    yield refused("archives", "40,000 empty", partial(build, many("happy/{}.png", 40_000)), "x.zip")
    yield refused("archives", "bomb", partial(
        build, lambda: {f"happy/{i}.png": bytes(10**8) for i in range(3)}, **deflated), "x.zip"
    )  # fmt: skip
    yield refused("archives", "link", link, "x.zip")
    yield refused("archives", "file and folder", twice, "x.zip")
    yield refused("archives", "nothing", partial(build, dict), "x.zip")
    yield refused("archives", "archives alone", partial(build, lambda: {"a/x.zip": b"PK"}), "x.zip")
    deep = "a/" * 1500 + "x.png"
    yield Case("archives", "deep", partial(build, also({deep: b""})), "x.zip", noted=True)
    long = f"happy/{'a' * 60_000}.png"
    yield Case("archives", "long name", partial(build, also({long: b""})), "x.zip", noted=True)
    nested = {"more.zip": bytes(1000), "readme.md": b"", "happy/x.exe": b"MZ"}
    yield Case("archives", "nested", partial(build, also(nested)), "x.zip", noted=True)
    zeros = partial(build, also({"happy/z.png": bytes(5 * 10**7)}), **deflated)
    yield Case("archives", "an image of zeros", zeros, "x.zip", noted=True)


def tars() -> Iterator[Case]:
    def build(change: Callable[[tarfile.TarFile], object], mode: str, folder: Path) -> None:
        with tarfile.open(folder / "x.tar", mode) as archive:
            for name, data in good_files().items():
                add(archive, name, data)
            change(archive)

    def add(archive: tarfile.TarFile, name: str, data: bytes = b"", **fields: Any) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        for field, value in fields.items():
            setattr(member, field, value)
        archive.addfile(member, io.BytesIO(data))

    def one(
        title: str, mode: str = "w", *, noted: bool = False, bad: bool = False, **how: Any
    ) -> Case:
        built = partial(build, lambda archive: add(archive, **how), mode)
        results, right = (("refused",), None) if bad else (("imported",), RIGHT)
        return Case("tars", f"{title} {mode}", built, "x.tar", results=results, right=right,
                    noted=noted)  # fmt: skip

    link = {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}
    yield one("plain", name="readme.md")
    yield one("gzip", "w:gz", name="readme.md")
    yield one("xz", "w:xz", name="readme.md")
    yield one("outside", name="../x.png", bad=True)
    yield one("absolute", name="/tmp/x.png", bad=True)
    yield one("link", name="happy/x.png", noted=True, **link)
    yield one(
        "hard link", name="happy/x.png", type=tarfile.LNKTYPE, linkname="/etc/passwd", noted=True
    )
    yield one("pipe", name="happy/x.png", type=tarfile.FIFOTYPE, noted=True)
    yield one(
        "device", name="happy/x.png", type=tarfile.CHRTYPE, devmajor=1, devminor=5, noted=True
    )
    yield one("folder as a link", name="happy2", type=tarfile.SYMTYPE, linkname="/etc")
    yield one("carriage return", name="happy/a\rb.png", noted=True)
    yield one("not UTF-8", name="happy/a\udcff.png", noted=True)
    yield one("long name", name=f"happy/{'a' * 5_000}.png", noted=True)
    yield one("deep", name="a/" * 1_500 + "x.png", noted=True)
    yield one("file and folder", name="happy/0.png/x.png", noted=True)
    yield one("bomb", "w:gz", name="happy/x.png", data=bytes(3 * 10**8), bad=True)

    def odd(change: Callable[[bytes], bytes], folder: Path) -> None:
        build(lambda archive: None, "w", folder)
        (folder / "x.tar").write_bytes(change((folder / "x.tar").read_bytes()))

    header = bytearray(512)
    header[124:136] = b"\x80" + b"\xff" * 11
    changes: dict[str, Callable[[bytes], bytes]] = {
        "truncated": lambda data: data[:700],
        "empty": lambda data: b"",
        "damaged header": lambda data: data[:512] + b"\xff" * 512 + data[1024:],
        "negative size": lambda data: bytes(header) + data,
        "gzip of nothing": lambda data: gzip.compress(b""),
        "gzip of gzip": lambda data: gzip.compress(gzip.compress(data)),
        "truncated gzip": lambda data: gzip.compress(data)[:-20],
    }
    for name, change in changes.items():
        yield either("tars", name, partial(odd, change), "x.tar")


# Millions of entries in a few megabytes, and gigabytes in a few


def floods() -> Iterator[Case]:
    def tar(count: int, suffix: str, folder: Path) -> None:
        with tarfile.open(folder / "x.tar.gz", "w:gz", compresslevel=1) as archive:
            for name, content in {
                **good_files(),
                **{f"happy/x{i}.{suffix}": b"" for i in range(count)},
            }.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
                archive.members.clear()  # type: ignore[attr-defined]

    def extended(folder: Path) -> None:
        with tarfile.open(folder / "x.tar", "w") as archive:
            link = tarfile.TarInfo("happy/link.png")
            link.type, link.size = tarfile.SYMTYPE, 512  # which no program skips
            archive.addfile(link)
            name = tarfile.TarInfo("././@LongLink")
            name.type, name.size = tarfile.GNUTYPE_LONGNAME, 2**24
            archive.addfile(name, io.BytesIO(bytes(2**24)))

    def bomb(name: str, block: bytes, megabytes: int, folder: Path) -> None:
        with gzip.open(folder / name, "wb", 1) as file:
            for _ in range(megabytes * 10**6 // len(block)):
                file.write(block)

    def table(rows: Callable[[], Iterator[str]], folder: Path) -> None:
        root = tree(folder)
        (root / "x.csv").write_text("image,label\n" + "".join(rows()))

    def unreadable(folder: Path) -> None:
        write(folder / "faces", {f"{c}/a{i}.png": b"x" for c in SHADES for i in range(10_500)})

    yield refused("floods", "10,500 empty images", partial(tar, 10_500, "png"), "x.tar.gz")
    yield Case("floods", "20,000 other files", partial(tar, 20_000, "md"), "x.tar.gz", noted=True)
    yield refused("floods", "a header of 16 MB", extended, "x.tar")
    yield refused("floods", "300 MB", partial(bomb, "x.tar.gz", bytes(10**7), 300), "x.tar.gz")
    lines = b"happy/0.png,happy\n" * 10**5
    yield refused("floods", "300 MB of table", partial(bomb, "x.csv.gz", lines, 300), "x.csv.gz")
    yield Case("floods", "240,000 rows of an image", partial(table, lambda: (
        f"{name},{name[: name.index('/')]}\n" for name in good_files() for _ in range(40_000)
    )))  # fmt: skip
    yield Case("floods", "spellings of an image", partial(table, lambda: (
        f"{'happy/../' * i}{name},{name[: name.index('/')]}\n"
        for name in good_files() for i in range(300)
    )))  # fmt: skip
    yield either("floods", "100,000 missing images", partial(table, lambda: (
        f"a/{i}.png,happy\n" for i in range(10**5)
    )), "faces/x.csv")  # fmt: skip
    yield refused("floods", "21,000 unreadable images", unreadable)


# Trees


def trees() -> Iterator[Case]:
    def deep(folder: Path) -> None:
        root, start = tree(folder), Path.cwd()
        os.chdir(root / "happy")
        for _ in range(1500):
            Path("d").mkdir()
            os.chdir("d")
        Path("x.png").write_bytes(image(1))
        os.chdir(start)

    def wide(count: int, folder: Path) -> None:
        root = tree(folder)
        for number in range(count):
            write(root, {f"class{number}/x.png": b""})

    yield Case("trees", "1,500 deep", deep)
    yield refused("trees", "5,000 classes", partial(wide, 5_000))
    yield refused("trees", "nothing", lambda folder: (folder / "faces").mkdir())
    yield Case("trees", "10,000 other files", lambda folder: write(
        tree(folder), {f"notes/{i}.txt": b"" for i in range(10_000)}), noted=True)  # fmt: skip


# Corrections


def corrections() -> Iterator[Case]:
    def build(make: Callable[[], bytes], folder: Path) -> None:
        tree(folder)
        write_csv(make, folder)

    def one(
        name: str,
        data: str | Callable[[], bytes | str],
        results: tuple[str, ...] = ("refused",),
    ) -> Case:
        def content() -> bytes:
            made = data if isinstance(data, str) else data()
            return made if isinstance(made, bytes) else (COLUMNS + made).encode()

        built = partial(build, content)
        return Case("corrections", name, built, "x.csv", "correct", results=results, right=1)

    first = "happy/0.png"
    yield one("time with a carriage return", f'{first},,exclude,,blank,"1\r2"\n')
    yield one("time with a line break", f'{first},,exclude,,blank,"1\n2"\n')
    yield one("reason with a carriage return", f'{first},,exclude,,"blank\r",2026\n')
    yield one("reason with a line separator", f"{first},,exclude,,a\u2028b,2026\n")
    yield one("reason with a next line", f"{first},,exclude,,a\x85b,2026\n")
    yield one("reason with escapes", f"{first},,exclude,,\x1b[2J,2026\n")
    yield one("class with a carriage return", f'{first},,relabel,"sad\r",,\n')
    yield one("path with a carriage return", f'"{first}\r",,exclude,,blank,\n')
    yield one("long time", f"{first},,exclude,,blank,{'1' * 9_000}\n")
    yield one("row of 30 digits", f"{first},{'9' * 30},exclude,,blank,\n")
    yield one("row of 5,000 digits", f"{first},{'9' * 5_000},exclude,,blank,\n")
    yield one("row with an exponent", f"{first},1e3,exclude,,blank,\n")
    yield one("more values", f"{first},,exclude,,blank,,,,,\n")
    yield one("open quote", f'{first},,exclude,,"blank,\n')
    yield one("zeros", f"{first},,exclude,,\0,\n")
    yield one("a million columns", lambda: b"a," * 10**6 + b"\n" + b"1," * 10**6)
    yield one(
        "a million columns after the right ones", lambda: (COLUMNS[:-1] + ",a" * 10**6).encode()
    )
    yield one("a million values", f"{first},,exclude,,blank,{',' * 10**6}\n")
    yield one("a long line", lambda: b"a" * 60_000_000)
    yield one("commas", lambda: b"," * 60_000_000)
    yield one("quotes", lambda: b'"' * 20_000_000)
    yield one("columns over lines", lambda: b'"\n",' * 10_000_000)
    yield one("two million rows", lambda: "x.png,,exclude,,blank,\n" * 2_000_000)
    yield one("blank lines", lambda: "\n" * 20_000_000)
    yield one("empty", lambda: b"")
    yield one("binary", lambda: bytes(range(256)))
    yield one("UTF-16", lambda: (COLUMNS + f"{first},,exclude,,blank,\n").encode("utf-16"))


# Uploads of photos


def uploads() -> Iterator[Case]:
    def build(members: Callable[[], dict[str, bytes]], folder: Path, **how: Any) -> None:
        zipped(folder / "x.zip", members(), **how)

    def one(name: str, members: Callable[[], dict[str, bytes]], right: int, **how: Any) -> Case:
        built = partial(build, members, **how)
        return Case("uploads", name, built, "x.zip", "upload", right=right)

    happy = {f"{i}.png": image(SHADES["happy"]) for i in range(GOOD)}
    yield one("good", lambda: happy, GOOD)
    yield one("18,000 outside", lambda: {**happy, **dict.fromkeys(
        (f"../{i}.png" for i in range(18_000)), b"")}, GOOD)  # fmt: skip
    yield Case("uploads", "400,000 outside", write_many_outside, "x.zip", "upload", right=0)
    yield one("one bad of each", lambda: {**happy, **{n: make() for n, make in REFUSED.items()}},
              GOOD, compression=zipfile.ZIP_DEFLATED)  # fmt: skip
    yield one("odd names", lambda: {**happy, "a\rb.png": image(40), "a\u2028b.png": b""}, GOOD)
    yield one("bomb", lambda: {**happy, "z.png": bytes(2 * 10**8)}, 0,
              compression=zipfile.ZIP_DEFLATED)  # fmt: skip


# What happens to files after their import


def _replace(make: Callable[[Path], object], dataset: Dataset) -> None:
    path = dataset.root / dataset.index["path"].iloc[0]
    path.unlink()
    make(path)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


SPOILERS: dict[str, Callable[[Dataset], object]] = {
    "pipe": partial(_replace, os.mkfifo),
    "zeros": partial(_replace, lambda path: path.symlink_to(ZEROS)),
    "itself": partial(_replace, lambda path: path.symlink_to(path.name)),
    "folder": partial(_replace, lambda path: path.mkdir()),
    "sparse": partial(_replace, _sparse),
    "gone": partial(_replace, lambda path: None),
    "root gone": lambda dataset: shutil.rmtree(dataset.root),
    "bomb": partial(_replace, lambda path: path.write_bytes(REFUSED["scans.jpg"]())),
}


def _array(header: bytes, rest: bytes = b"") -> Callable[[Path], object]:
    head = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header
    return lambda path: path.write_bytes(head + rest)


_HEADER = "{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}\n"
for _name, _descr, _shape in (
    ("array of few rows", "|u1", "(1, 48, 48)"),
    ("array of huge rows", "|u1", "(6, 1000000, 1000000)"),
    ("array of no rows", "|u1", "(0, 48, 48)"),
    ("flat array", "|u1", "(14000,)"),
    ("array of empty images", "|u1", "(6, 0, 48)"),
    ("array of four channels", "|u1", "(6, 12, 48, 4)"),
    ("negative array", "|u1", "(6, -48, 48)"),
    ("array of objects", "|O", "(6, 48, 48)"),
    ("array of numbers", "<f8", "(6, 48, 48)"),
):
    SPOILERS[_name] = partial(
        _replace, _array(_HEADER.format(_descr, _shape).encode(), bytes(9999))
    )
SPOILERS["array of text"] = partial(_replace, lambda path: path.write_bytes(b"no array" * 99))
SPOILERS["array with a deep header"] = partial(_replace, _array(b"(" * 9_000))


def later() -> Iterator[Case]:
    def table(folder: Path) -> None:
        (folder / "faces").mkdir()
        (folder / "faces" / "x.csv").write_text("\n".join(pixel_lines()))

    for name in SPOILERS:
        expected = {"action": "spoil", "results": ("refused",), "right": 0}
        kind = {"images": tree, "array": table}["array" if "array" in name else "images"]
        yield Case("later", name, kind, name, **expected)
    for name in ("pipe", "zeros", "itself", "folder", "sparse", "gone"):
        yield Case("later", f"{name} for an array", table, name, "spoil", ("refused",), 0)
