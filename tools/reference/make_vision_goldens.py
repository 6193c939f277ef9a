#!/usr/bin/env python3
"""Makes the goldens of tests/vision: small image files with the pixels that the reference reads from them, and
checksums of what it makes of generated pictures.

    tools/reference/make_vision_goldens.py tests/vision/goldens

Writes decode/NAME.{jpg,png,webp} with NAME.ppm, resize.txt, processors.txt, smart_resize.txt and crops.txt. Needs
Pillow, numpy, torch, torchvision and transformers 5. The reference's processors depend on the CPU: the goldens
are those of one with AVX2, where torchvision resizes 8-bit tensors as they are; `main` asserts that.
"""
import io
import pathlib
import struct
import sys
import zlib

import numpy as np
import torch
from PIL import Image, ImageOps
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as tvf
from transformers.models.gemma3.image_processing_gemma3 import Gemma3ImageProcessor
from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor, smart_resize
from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

# ---- The generated picture, the same in tests/vision/generated.h: noise, hard edges and gradients in turn.


def picture(width, height, seed=0):
    y, x, c = np.mgrid[0:height, 0:width, 0:3].astype(np.uint32)
    with np.errstate(over="ignore"):
        n = x * np.uint32(0x9E3779B1) + y * np.uint32(0x85EBCA77) + c * np.uint32(0xC2B2AE3D)
        n += np.uint32(seed * 0x27D4EB2F & 0xFFFFFFFF)
        n ^= n >> np.uint32(15)
        n *= np.uint32(0x2C1B3C6D)
        n ^= n >> np.uint32(12)
    kind = (x // 7 + y // 5) % 3
    gradient = (x * 3 + y * 2 + c * 40) & 255
    return np.where(kind == 0, n & 255, np.where(kind == 1, (n >> 31) * 255, gradient)).astype(np.uint8)


def checksum(array):
    return f"{zlib.crc32(np.ascontiguousarray(array).tobytes()):08x}"


# ---- Decoding


def png(width, height, bits, color, rows, chunks=(), interlaced=False):
    """rows: bytes of each row, or of each row of each pass."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, int(interlaced))
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    middle = b"".join(chunk(name, body) for name, body in chunks)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + middle + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def packed(values, bits):
    """[height, width] small numbers as rows of a PNG."""
    per_byte = 8 // bits
    padded = np.pad(values, ((0, 0), (0, -values.shape[1] % per_byte)))
    grouped = padded.reshape(len(values), -1, per_byte).astype(np.uint16)
    shifts = np.arange(per_byte - 1, -1, -1) * bits
    return [row.tobytes() for row in (grouped << shifts).sum(-1).astype(np.uint8)]


def adam7(pixels):
    """[height, width, channels] of 8 bits as the rows of the seven passes."""
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    return [row.tobytes() for x, y, dx, dy in passes for row in pixels[y::dy, x::dx] if row.size]


def png_files(rgb):
    height, width = rgb.shape[:2]
    grey, alpha = rgb[..., 0], rgb[..., 1]
    deep = rgb.astype(">u2") * 256 + rgb[..., ::-1]
    grey16 = deep[..., :1]
    palette = bytes(rgb.reshape(-1)[: 3 * 16])
    rgba = np.dstack([rgb, alpha])

    def rows(array, kind="u1"):
        return [row.astype(kind).tobytes() for row in array]

    for bits in (1, 2, 4):
        yield f"png-grey{bits}", png(width, height, bits, 0, packed(grey >> (8 - bits), bits))
        colors = [(b"PLTE", palette[: 3 << bits])]
        yield f"png-palette{bits}", png(width, height, bits, 3, packed(grey >> (8 - bits), bits), colors)
    yield "png-grey8", png(width, height, 8, 0, rows(grey))
    yield "png-grey16", png(width, height, 16, 0, rows(grey16, ">u2"))
    yield "png-grey-alpha8", png(width, height, 8, 4, rows(np.dstack([grey, alpha])))
    yield "png-grey-alpha16", png(width, height, 16, 4, rows(deep[..., :2], ">u2"))
    yield "png-rgb8", png(width, height, 8, 2, rows(rgb))
    yield "png-rgb16", png(width, height, 16, 2, rows(deep, ">u2"))
    yield "png-rgba8", png(width, height, 8, 6, rows(rgba))
    yield "png-rgba16", png(width, height, 16, 6, rows(np.dstack([deep, grey16]), ">u2"))
    key = struct.pack(">HHH", *(int(v) for v in rgb[0, 0]))
    yield "png-rgb-key", png(width, height, 8, 2, rows(rgb), [(b"tRNS", key)])
    yield "png-palette-alpha", png(width, height, 4, 3, packed(grey >> 4, 4),
                                   [(b"PLTE", palette), (b"tRNS", bytes(range(0, 240, 15)))])
    yield "png-interlaced", png(width, height, 8, 2, adam7(rgb), interlaced=True)
    yield "png-interlaced-rgba", png(width, height, 8, 6, adam7(rgba), interlaced=True)
    exif = Image.Exif()
    exif[0x112] = 6
    yield "png-exif", png(width, height, 8, 2, rows(rgb), [(b"eXIf", exif.tobytes()[6:])])
    xmp = b"XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation=\"8\"/>"
    yield "png-xmp", png(width, height, 8, 2, rows(rgb), [(b"iTXt", xmp)])
    yield "png-filters", saved(rgb, "PNG", optimize=True)


def saved(rgb, kind, mode="RGB", **options):
    out = io.BytesIO()
    Image.fromarray(rgb).convert(mode).save(out, kind, **options)
    return out.getvalue()


def with_orientation(orientation, endian="<"):
    exif = Image.Exif()
    exif.endian = endian
    exif[0x10F] = "somebody"
    exif[0x112] = orientation
    return exif.tobytes()


def jpeg_files(rgb):
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        yield f"jpg-{name}", saved(rgb, "JPEG", subsampling=sampling, quality=90)
    yield "jpg-progressive", saved(rgb, "JPEG", progressive=True)
    yield "jpg-restart", saved(rgb, "JPEG", restart_marker_blocks=1, optimize=True, quality=30)
    yield "jpg-grey", saved(rgb, "JPEG", mode="L")
    yield "jpg-rgb", saved(rgb, "JPEG", keep_rgb=True, quality=90)
    cmyk = io.BytesIO()
    inks = np.dstack([rgb, np.roll(rgb[..., 0], 3, axis=1)])
    Image.frombytes("CMYK", (rgb.shape[1], rgb.shape[0]), inks.tobytes()).save(cmyk, "JPEG", quality=90)
    cmyk = cmyk.getvalue()
    yield "jpg-cmyk", cmyk
    adobe = cmyk.index(b"\xff\xee\0\x0eAdobe")
    assert cmyk[adobe + 15] == 0
    yield "jpg-ycck", cmyk[: adobe + 15] + b"\2" + cmyk[adobe + 16 :]  # the same bytes, said to be YCCK
    for orientation in range(1, 9):
        exif = with_orientation(orientation, ">" if orientation % 2 else "<")
        yield f"jpg-orientation{orientation}", saved(rgb, "JPEG", exif=exif)
    yield "jpg-xmp", saved(rgb, "JPEG", xmp=b"<x><tiff:Orientation>3</tiff:Orientation></x>")
    yield "jpg-exif-before-xmp", saved(rgb, "JPEG", exif=with_orientation(5),
                                       xmp=b"<x><tiff:Orientation>3</tiff:Orientation></x>")


def webp_files(rgb):
    rgba = np.dstack([rgb, rgb[..., 1]])
    yield "webp-lossy", saved(rgb, "WEBP")
    yield "webp-lossless", saved(rgb, "WEBP", lossless=True)
    yield "webp-lossy-alpha", saved(rgba, "WEBP", mode="RGBA", exact=True)
    yield "webp-lossless-alpha", saved(rgba, "WEBP", mode="RGBA", lossless=True, exact=True)
    yield "webp-exif", saved(rgb, "WEBP", exif=with_orientation(7))
    yield "webp-animated", saved(rgb, "WEBP", save_all=True, append_images=[Image.fromarray(255 - rgb)])
    # A first frame that does not fill the canvas.
    frame = saved(rgb, "WEBP", lossless=True)[12:]
    height, width = rgb.shape[:2]

    def u24(value):
        return struct.pack("<I", value)[:3]

    def chunk(name, data):
        return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)

    place = u24(6 // 2) + u24(4 // 2) + u24(width - 1) + u24(height - 1) + u24(100) + b"\0"
    body = b"WEBP" + chunk(b"VP8X", b"\2\0\0\0" + u24(width + 8) + u24(height + 6)) \
        + chunk(b"ANIM", b"\xff\xff\xff\xff\0\0") + chunk(b"ANMF", place + frame)
    yield "webp-small-frame", b"RIFF" + struct.pack("<I", len(body)) + body


def reference_pixels(name, file):
    """What transformers.image_utils.load_image makes of it."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(file)))
    if image.mode.startswith("I;16"):  # Pillow turns all above 255 white; we take the upper byte, on purpose
        return np.repeat((np.array(image) >> 8).astype(np.uint8)[..., None], 3, axis=2)
    return np.array(image.convert("RGB"))


def write_decode(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rgb = picture(17, 13)
    suffixes = {"jpg": jpeg_files, "png": png_files, "webp": webp_files}
    for suffix, files in suffixes.items():
        for name, file in files(rgb):
            pixels = reference_pixels(name, file)
            height, width = pixels.shape[:2]
            (folder / f"{name}.{suffix}").write_bytes(file)
            (folder / f"{name}.ppm").write_bytes(f"P6\n{width} {height}\n255\n".encode() + pixels.tobytes())


# ---- Resizing

FILTERS = {"bilinear": InterpolationMode.BILINEAR, "bicubic": InterpolationMode.BICUBIC}


def resized(method, filter, rgb, width, height):
    tensor = torch.from_numpy(rgb.transpose(2, 0, 1).copy())
    out = tvf.resize(tensor, [height, width], FILTERS[filter], antialias=method == "antialias")
    return out.numpy().transpose(1, 2, 0)


RESIZES = [  # width, height -> width, height
    (1, 1, 28, 28), (2, 1, 56, 28), (3, 5, 1, 2), (17, 13, 17, 13), (17, 13, 17, 5), (17, 13, 40, 13),
    (37, 61, 28, 56), (37, 61, 224, 224), (200, 1, 812, 28), (1, 200, 28, 812), (17, 1000, 28, 1204),
    (255, 255, 256, 254), (640, 480, 224, 224), (640, 480, 644, 476), (999, 333, 84, 28), (1920, 1080, 896, 896),
    (3000, 2, 3, 3), (2, 3000, 3, 3), (1023, 767, 2, 1),
]


def resize_rows(sizes=RESIZES):
    for method in ("antialias", "plain"):
        for filter in FILTERS:
            for width, height, to_width, to_height in sizes:
                out = resized(method, filter, picture(width, height), to_width, to_height)
                yield f"{method} {filter} {width} {height} {to_width} {to_height} {checksum(out)}"


# ---- Processors


def row_major(patches, rows, columns, merge):
    """[patches in merge blocks, values] -> row by row over the grid."""
    blocks = patches.reshape(rows // merge, columns // merge, merge, merge, -1)
    return blocks.transpose(0, 2, 1, 3, 4).reshape(rows * columns, -1)


def qwen(rgb, min_pixels, max_pixels):
    out = Qwen2VLImageProcessor(min_pixels=min_pixels, max_pixels=max_pixels)(
        images=Image.fromarray(rgb), return_tensors="np")
    _, rows, columns = (int(v) for v in out["image_grid_thw"][0])
    return rows, columns, row_major(out["pixel_values"], rows, columns, 2)


def gemma(rgb, size):
    out = Gemma3ImageProcessor(size={"height": size, "width": size})(images=Image.fromarray(rgb), return_tensors="np")
    image, grid = out["pixel_values"][0], size // 14
    patches = image.reshape(3, grid, 14, grid, 14).transpose(1, 3, 0, 2, 4)
    return grid, grid, patches.reshape(grid * grid, -1)


def video(frames, min_pixels, max_pixels):
    out = Qwen2VLVideoProcessor(min_pixels=min_pixels, max_pixels=max_pixels)(
        videos=[torch.from_numpy(np.stack(frames).transpose(0, 3, 1, 2))], return_tensors="np")
    times, rows, columns = (int(v) for v in out["video_grid_thw"][0])
    pairs = out["pixel_values_videos"].reshape(times, rows * columns, -1)
    return rows, columns, np.stack([row_major(pair, rows, columns, 2) for pair in pairs])


SIZES = [(1, 1), (1, 2), (5, 3), (14, 14), (28, 28), (70, 42), (37, 61), (1, 200), (200, 1), (1000, 17), (17, 1000),
         (223, 225), (640, 480), (1023, 767), (1920, 1080), (2000, 3000)]


def processor_rows(sizes=SIZES):
    """kind, width, height, two numbers of the kind, rows, columns, checksum."""
    for width, height in sizes:
        rgb = picture(width, height)
        for limits in ((56 * 56, 28 * 28 * 1280), (4 * 28 * 28, 100 * 28 * 28)):
            rows, columns, values = qwen(rgb, *limits)
            yield f"qwen {width} {height} {limits[0]} {limits[1]} {rows} {columns} {checksum(values)}"
        for size in (224, 896):
            rows, columns, values = gemma(rgb, size)
            yield f"gemma {width} {height} {size} 0 {rows} {columns} {checksum(values)}"
    for count in (1, 2, 3, 5):  # frames of 90 x 60, with seeds 0, 1, ...
        rows, columns, values = video([picture(90, 60, seed) for seed in range(count)], 56 * 56, 28 * 28 * 768)
        yield f"video{count} 90 60 {56 * 56} {28 * 28 * 768} {rows} {columns} {checksum(values)}"


def smart_rows():
    """height, width, factor, min_pixels, max_pixels, height, width; or nan nan where the reference refuses."""
    rng = np.random.default_rng(5)
    sides = [1, 13, 14, 15, 27, 28, 41, 42, 43, 70, 98, 126, 199, 200, 201, 280, 999, 1000, 4001, 65535]
    cases = [(h, w, 28, 56 * 56, 28 * 28 * 1280) for h in sides for w in sides]
    for _ in range(300):
        least = int(rng.integers(1, 20000))
        cases.append((*(int(2 ** rng.uniform(0, 13)) for _ in range(2)), int(rng.integers(1, 65)), least,
                      least + int(2 ** rng.uniform(0, 22))))
    for height, width, factor, least, most in cases:
        try:
            size = smart_resize(height, width, factor, least, most)
        except ValueError:
            size = ("nan", "nan")
        yield f"{height} {width} {factor} {least} {most} {size[0]} {size[1]}"


def crop_rows():
    """width, height, smallest crop, most crops, least ratio, number of crops, then their sizes and checksums."""
    processor = Gemma3ImageProcessor()
    for width, height in [(100, 100), (300, 256), (600, 300), (300, 1000), (2000, 300), (1001, 333), (512, 256),
                          (500, 400)]:
        rgb = picture(width, height)
        for least, most, ratio in ((256, 4, 1.2), (64, 8, 1.5), (100, 1, 1.0)):
            crops = processor.pan_and_scan_batched(torch.from_numpy(rgb.transpose(2, 0, 1).copy()), least, most, ratio)
            parts = [crop.numpy().transpose(1, 2, 0) for crop in crops]
            said = " ".join(f"{p.shape[1]} {p.shape[0]} {checksum(p)}" for p in parts)
            yield f"{width} {height} {least} {most} {ratio} {len(parts)} {said}".rstrip()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    assert torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512"), "needs a CPU with AVX2"
    folder = pathlib.Path(sys.argv[1])
    write_decode(folder / "decode")
    for name, rows in (("resize", resize_rows()), ("processors", processor_rows()), ("smart_resize", smart_rows()),
                       ("crops", crop_rows())):
        (folder / f"{name}.txt").write_text("".join(f"{row}\n" for row in rows))


if __name__ == "__main__":
    main()
