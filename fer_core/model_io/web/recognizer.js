// Recognizes a face's expression with the model of this folder: the same numbers as FER Studio.
//
// Needs ort.wasm.min.js, runtime.js and model.js before it. These are classic scripts that hold the
// binary files as base64, since a page opened from a disk can load neither modules nor files.
"use strict";

/**
 * Loads the model once; takes a second or so.
 *
 * @returns {Promise<{usage: object, recognize: Function}>} `usage` tells what usage.json tells.
 */
async function loadRecognizer() {
  const usage = MODEL.usage;
  ort.env.wasm.numThreads = 1; // more would need headers that only a server can send
  ort.env.wasm.wasmBinary = fromBase64(RUNTIME.wasm);
  const glue = new Blob([fromBase64(RUNTIME.mjs)], { type: "text/javascript" });
  ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(glue) };
  const options = { executionProviders: ["wasm"] };
  const session = await ort.InferenceSession.create(fromBase64(MODEL.onnx), options);
  let last = Promise.resolve(); // a session computes one answer at a time

  /**
   * Recognizes the face in a box of a picture.
   *
   * @param {CanvasImageSource} picture an image, a bitmap, a canvas or a video.
   * @param {{x: number, y: number, width: number, height: number}} box in the picture's pixels.
   * @returns {Promise<{expression: string, probabilities: object, pixels: Uint8ClampedArray}>}
   *     `expression` is "not sure" below the model's threshold; `probabilities` are calibrated;
   *     `pixels` (height × width × channels) are what the model saw.
   */
  async function recognize(picture, box) {
    const pixels = modelPixels(picture, box, usage);
    const shape = [1, usage.height, usage.width, usage.channels];
    const faces = new ort.Tensor("float32", Float32Array.from(pixels), shape);
    const answer = last.then(() => session.run({ pixels: faces }, ["probabilities"]));
    last = answer.catch(() => undefined);
    return { ...named((await answer).probabilities.data, usage), pixels };
  }

  return { usage, recognize };
}

/** Returns the bytes that a base64 text stands for. */
function fromBase64(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Returns calibrated probabilities by name, and the expression they speak for. */
function named(probabilities, usage) {
  const powers = Array.from(probabilities, (each) => each ** (1 / usage.temperature));
  const sum = powers.reduce((total, each) => total + each, 0);
  const calibrated = powers.map((each) => each / sum);
  const top = calibrated.indexOf(Math.max(...calibrated));
  return {
    expression: calibrated[top] < usage.threshold ? "not sure" : usage.class_names[top],
    probabilities: Object.fromEntries(usage.class_names.map((name, n) => [name, calibrated[n]])),
  };
}

/** Returns the model's input for a box of a picture: bytes, row by row, channels last. */
function modelPixels(picture, box, usage) {
  const crop = cropFace(picture, box, usage.crop_margin);
  const planes = usage.color === "gray" ? [grayPlane(crop)] : [0, 1, 2].map((n) => plane(crop, n));
  const resized = planes.map((each) => resize(each, crop.side, usage.height, usage.width));
  const pixels = new Uint8ClampedArray(usage.height * usage.width * usage.channels);
  for (let n = 0; n < pixels.length; n++) {
    const place = Math.floor(n / usage.channels);
    pixels[n] = resized[(n % usage.channels) % resized.length][place];
  }
  return pixels;
}

/**
 * Crops a square of side max(width, height) × (1 + margin) around the center of the box.
 *
 * Repeats the border pixels beyond the picture.
 *
 * @returns {{side: number, rgba: Uint8ClampedArray}}
 */
function cropFace(picture, box, margin) {
  const [width, height] = sizeOf(picture);
  const side = Math.max(1, roundToEven(Math.max(box.width, box.height) * (1 + margin)));
  const left = roundToEven(box.x + (box.width - side) / 2);
  const top = roundToEven(box.y + (box.height - side) / 2);
  const [x, y] = [clip(left, width), clip(top, height)];
  const [columns, rows] = [clip(left + side - 1, width) - x + 1, clip(top + side - 1, height) - y + 1];
  const canvas = new OffscreenCanvas(columns, rows);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white"; // behind what is transparent
  context.fillRect(0, 0, columns, rows);
  context.drawImage(picture, x, y, columns, rows, 0, 0, columns, rows);
  const part = new Uint32Array(context.getImageData(0, 0, columns, rows).data.buffer);
  const square = new Uint32Array(side * side);
  for (let row = 0; row < side; row++) {
    const from = (clip(top + row, height) - y) * columns - x;
    for (let column = 0; column < side; column++) {
      square[row * side + column] = part[from + clip(left + column, width)];
    }
  }
  return { side, rgba: new Uint8ClampedArray(square.buffer) };
}

/** Returns the nearest place within a size. */
function clip(place, size) {
  return Math.min(Math.max(place, 0), size - 1);
}

/** Returns the width and the height of a picture in its own pixels. */
function sizeOf(picture) {
  return [
    picture.naturalWidth || picture.videoWidth || picture.width,
    picture.naturalHeight || picture.videoHeight || picture.height,
  ];
}

/** Rounds halves to the even number, as Python does. */
function roundToEven(value) {
  const low = Math.floor(value);
  if (value - low !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}

/** Returns one of the channels of a crop. */
function plane(crop, channel) {
  return Uint8ClampedArray.from({ length: crop.side ** 2 }, (_, n) => crop.rgba[4 * n + channel]);
}

/** Returns the luma of ITU-R BT.601, in fixed point as OpenCV computes it. */
function grayPlane(crop) {
  const gray = new Uint8ClampedArray(crop.side ** 2);
  for (let n = 0; n < gray.length; n++) {
    const [red, green, blue] = crop.rgba.subarray(4 * n, 4 * n + 3);
    gray[n] = (red * 9798 + green * 19235 + blue * 3735 + 16384) >> 15;
  }
  return gray;
}

// The rest resizes as OpenCV does, with whose pixels the model was trained: by area to shrink, by
// cubic interpolation to enlarge, and with its rounding.

/** Resizes a square plane. */
function resize(source, side, height, width) {
  if (side === height && side === width) return source;
  if (side * side <= height * width) {
    return interpolate(source, side, cubicTaps(side, height), cubicTaps(side, width));
  }
  if (side < height || side < width) {
    return interpolateInIntegers(source, side, linearTaps(side, height), linearTaps(side, width));
  }
  if (2 * height === side && 2 * width === side) return halve(source, side);
  return average(source, side, areaTaps(side, height), areaTaps(side, width));
}

/** Returns the width or height of a new pixel in old ones. */
function scaleOf(size, target) {
  return 1 / (target / size);
}

/** Returns for each new place the old ones under it and their shares: [[place, weight], …]. */
function areaTaps(size, target) {
  const scale = scaleOf(size, target);
  return Array.from({ length: target }, (_, place) => {
    const [from, to] = [place * scale, place * scale + scale];
    const last = Math.min(Math.floor(to), size - 1);
    const first = Math.min(Math.ceil(from), last);
    const cell = Math.min(scale, size - from);
    const taps = [];
    if (first - from > 1e-3) taps.push([first - 1, Math.fround((first - from) / cell)]);
    for (let n = first; n < last; n++) taps.push([n, Math.fround(1 / cell)]);
    if (to - last > 1e-3) taps.push([last, Math.fround(Math.min(to - last, 1, cell) / cell)]);
    return taps;
  });
}

/** Returns for each new place four old ones and their weights. */
function cubicTaps(size, target) {
  const A = -0.75;
  return Array.from({ length: target }, (_, place) => {
    const at = Math.fround((place + 0.5) * scaleOf(size, target) - 0.5);
    const first = Math.floor(at) - 1;
    const x = at - first - 1;
    const near = (t) => ((A + 2) * t - (A + 3)) * t * t + 1;
    const far = ((A * (x + 1) - 5 * A) * (x + 1) + 8 * A) * (x + 1) - 4 * A;
    const weights = [far, near(x), near(1 - x)];
    weights.push(1 - weights[0] - weights[1] - weights[2]);
    return weights.map((weight, n) => [clip(first + n, size), weight]);
  });
}

/** Returns for each new place two old ones and their weights in 2048ths: OpenCV shrinks so where
 * the other side of the picture is enlarged. */
function linearTaps(size, target) {
  return Array.from({ length: target }, (_, place) => {
    const first = Math.floor(place * scaleOf(size, target));
    const rest = place + 1 - (first + 1) * (target / size);
    const x = Math.fround(rest <= 0 ? 0 : rest - Math.floor(rest));
    return [
      [first, roundToEven((1 - x) * 2048)],
      [clip(first + 1, size), roundToEven(x * 2048)],
    ];
  });
}

/** Averages squares of four pixels. */
function halve(source, side) {
  const result = new Uint8ClampedArray(source.length / 4);
  for (let n = 0, half = side / 2; n < result.length; n++) {
    const at = 2 * (Math.floor(n / half) * side + (n % half));
    const sum = source[at] + source[at + 1] + source[at + side] + source[at + side + 1];
    result[n] = (sum + 2) >> 2;
  }
  return result;
}

/** Averages the pixels under each new one, with sums of 32 bits. */
function average(source, side, down, across) {
  const result = new Uint8ClampedArray(down.length * across.length);
  const [ofRow, sums] = [new Float32Array(across.length), new Float32Array(across.length)];
  down.forEach((rows, y) => {
    sums.fill(0);
    for (const [row, share] of rows) {
      ofRow.fill(0);
      across.forEach((columns, x) => {
        for (const [column, weight] of columns) {
          ofRow[x] += Math.fround(source[row * side + column] * weight);
        }
        sums[x] += Math.fround(ofRow[x] * share);
      });
    }
    sums.forEach((sum, x) => (result[y * across.length + x] = roundToEven(sum)));
  });
  return result;
}

/** Weighs the pixels around each new one. */
function interpolate(source, side, down, across) {
  const rows = weighRows(source, side, across);
  return Uint8ClampedArray.from({ length: down.length * across.length }, (_, n) => {
    const column = n % across.length;
    const taps = down[Math.floor(n / across.length)];
    return roundToEven(taps.reduce((sum, [row, weight]) => sum + rows[row][column] * weight, 0));
  });
}

/** Weighs the pixels around each new one in 2048ths, and drops the bits that OpenCV drops. */
function interpolateInIntegers(source, side, down, across) {
  const rows = weighRows(source, side, across);
  return Uint8ClampedArray.from({ length: down.length * across.length }, (_, n) => {
    const column = n % across.length;
    const taps = down[Math.floor(n / across.length)];
    const terms = taps.map(([row, weight]) => (weight * (rows[row][column] >> 4)) >> 16);
    return (terms[0] + terms[1] + 2) >> 2;
  });
}

/** Returns the rows of a plane with the new width. */
function weighRows(source, side, across) {
  return Array.from({ length: side }, (_, row) =>
    across.map((taps) =>
      taps.reduce((sum, [column, weight]) => sum + source[row * side + column] * weight, 0),
    ),
  );
}
