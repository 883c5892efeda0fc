// Shows a picture with a box that is moved onto a face, and the bars of the model's answer.
"use strict";

const STEP = 0.02; // of the box's side: how far a key moves it, or makes it larger
const FIRST = 0.5; // of the picture's shorter side: the box before a face is found
const MAX_SIDE = 4096; // pixels of a picture; larger ones would not fit into a phone's memory
const LOADING = "Loading the model …";
const $ = (id) => document.getElementById(id);

const state = { recognizer: null, picture: null, box: null, asked: 0, stream: null };

start();

async function start() {
  listen();
  try {
    state.recognizer = await loadRecognizer();
  } catch (error) {
    document.querySelector("main").hidden = true;
    return say(`The model cannot be loaded: ${error.message}`, true);
  }
  const { usage } = state.recognizer;
  sayNothing();
  $("bars").replaceChildren(...usage.class_names.map(emptyBar));
  $("about").textContent = about(usage);
  document.documentElement.dataset.ready = "true";
  return recognizeSoon();
}

function listen() {
  $("file").addEventListener("change", () => $("file").files[0] && openFile($("file").files[0]));
  $("camera").addEventListener("click", () => (state.stream ? stopCamera() : startCamera()));
  $("shoot").addEventListener("click", shoot);
  $("size").addEventListener("input", () => resizeTo(Number($("size").value)));
  $("stage").addEventListener("pointerdown", drag);
  $("box").addEventListener("keydown", onKey);
  $("stage").classList.add("empty");
  for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, (event) => onDrop(event, type));
  }
}

function say(text, isError = false) {
  $("status").textContent = text;
  $("status").classList.toggle("error", isError);
}

function sayNothing() {
  say(state.recognizer ? "" : LOADING);
}

function about(usage) {
  const score = usage.accuracy;
  const accuracy = score
    ? ` Accuracy on the ${score.split} split of ${usage.trained_on}: ${percent(score.value)} ` +
      `(${percent(score.low)} to ${percent(score.high)}, ${score.images.toLocaleString("en")} images).`
    : "";
  return `Model: ${usage.name}.${accuracy} ${usage.license}`;
}

function percent(value) {
  return `${(100 * value).toFixed(1)}%`;
}

// Where pictures come from

function onDrop(event, type) {
  event.preventDefault(); // or the browser would leave the page
  $("stage").classList.toggle("dropping", type === "dragover");
  if (type === "drop" && event.dataTransfer.files[0]) openFile(event.dataTransfer.files[0]);
}

async function openFile(file) {
  try {
    // As the app reads it: upright, without color profiles.
    const options = { imageOrientation: "from-image", colorSpaceConversion: "none" };
    await showPicture(await createImageBitmap(file, options));
  } catch {
    say(`${file.name} cannot be read as a picture. Choose a JPEG, PNG or WebP file.`, true);
  }
  $("file").value = ""; // the same file may be chosen again
}

async function startCamera() {
  try {
    const video = { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 720 } };
    state.stream = await navigator.mediaDevices.getUserMedia({ video });
  } catch (error) {
    return say(`The camera cannot be used: ${error.message}`, true);
  }
  $("video").srcObject = state.stream;
  await $("video").play();
  state.picture = null;
  sayNothing();
  return refresh();
}

function stopCamera() {
  state.stream?.getTracks().forEach((track) => track.stop());
  state.stream = null;
  $("video").srcObject = null;
  refresh();
}

async function shoot() {
  const bitmap = await createImageBitmap($("video"));
  stopCamera();
  await showPicture(bitmap);
}

async function showPicture(bitmap) {
  stopCamera();
  const factor = Math.min(1, MAX_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = $("picture");
  canvas.width = Math.max(1, Math.round(bitmap.width * factor));
  canvas.height = Math.max(1, Math.round(bitmap.height * factor));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  state.picture = canvas;
  sayNothing();
  placeBox((await detectFace(canvas)) ?? firstBox(canvas));
  refresh();
}

/** Returns the square around the largest face, where the browser can find faces; else null. */
async function detectFace(canvas) {
  try {
    const faces = await new FaceDetector().detect(canvas);
    const boxes = faces.map((face) => face.boundingBox).sort((a, b) => b.width - a.width);
    if (!boxes.length) return null;
    const { x, y, width, height } = boxes[0];
    const side = Math.max(width, height);
    return { x: x + (width - side) / 2, y: y + (height - side) / 2, side };
  } catch {
    return null; // most browsers have no such detector
  }
}

function firstBox({ width, height }) {
  const side = FIRST * Math.min(width, height);
  return { x: (width - side) / 2, y: (height - side) / 2, side };
}

// The box: a square within the picture, in whole pixels of it

function smallestSide() {
  return Math.min(10, state.picture.width, state.picture.height);
}

function placeBox({ x, y, side }) {
  const { width, height } = state.picture;
  const within = (value, low, high) => Math.round(Math.min(Math.max(value, low), high));
  const whole = within(side, smallestSide(), Math.min(width, height));
  state.box = { x: within(x, 0, width - whole), y: within(y, 0, height - whole), side: whole };
  const style = $("box").style;
  style.left = `${(100 * state.box.x) / width}%`;
  style.top = `${(100 * state.box.y) / height}%`;
  style.width = `${(100 * whole) / width}%`;
  style.height = `${(100 * whole) / height}%`;
  $("size").min = smallestSide();
  $("size").max = Math.min(width, height);
  $("size").value = whole;
  recognizeSoon();
}

function resizeTo(side) {
  const { x, y, side: before } = state.box;
  placeBox({ x: x - (side - before) / 2, y: y - (side - before) / 2, side });
}

function onKey(event) {
  const { x, y, side } = state.box;
  const step = Math.max(1, Math.round(STEP * side));
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const move = moves[event.key];
  if (move) placeBox({ x: x + move[0] * step, y: y + move[1] * step, side });
  else if ("+=".includes(event.key)) resizeTo(side + 2 * step);
  else if ("-−_".includes(event.key)) resizeTo(side - 2 * step);
  else return;
  event.preventDefault();
}

/** Moves the box, resizes it by its corner, or draws another one, until the pointer is up. */
function drag(event) {
  if (!state.picture || event.button !== 0) return;
  event.preventDefault();
  $("box").focus({ preventScroll: true });
  const from = inPicture(event);
  const before = state.box;
  const moves = { box: moveBox, handle: pullCorner };
  const change = moves[event.target.id] ?? drawBox;
  const ending = new AbortController();
  const options = { signal: ending.signal };
  addEventListener("pointermove", (moved) => placeBox(change(before, from, inPicture(moved))), options);
  for (const type of ["pointerup", "pointercancel"]) addEventListener(type, () => ending.abort(), options);
}

function inPicture(event) {
  const shown = $("picture").getBoundingClientRect();
  const scale = state.picture.width / shown.width;
  return { x: (event.clientX - shown.left) * scale, y: (event.clientY - shown.top) * scale };
}

function moveBox(before, from, to) {
  return { x: before.x + to.x - from.x, y: before.y + to.y - from.y, side: before.side };
}

function pullCorner(before, from, to) {
  const { width, height } = state.picture;
  const pulled = before.side + Math.max(to.x - from.x, to.y - from.y);
  const room = Math.min(width - before.x, height - before.y); // the other corner stays
  return { ...before, side: Math.min(pulled, room) };
}

function drawBox(before, from, to) {
  const side = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y));
  return { x: to.x < from.x ? from.x - side : from.x, y: to.y < from.y ? from.y - side : from.y, side };
}

// The answer

function refresh() {
  const [isFilming, isShown] = [state.stream !== null, state.picture !== null];
  $("camera").textContent = isFilming ? "Stop the camera" : "Use the camera";
  $("shoot").hidden = $("video").hidden = !isFilming;
  $("empty").hidden = isFilming || isShown;
  $("stage").classList.toggle("empty", !isFilming && !isShown);
  $("file").nextElementSibling.classList.toggle("primary", !isFilming);
  for (const id of ["picture", "box", "sizing", "help", "details"]) $(id).hidden = !isShown;
  if (!isShown) $("answer").textContent = "No face yet";
}

/** Recognizes the face in the box once the browser draws; later moves replace earlier ones. */
function recognizeSoon() {
  if (state.recognizer && state.picture) state.asked ||= requestAnimationFrame(recognizeNow);
}

async function recognizeNow() {
  const { picture, box } = state;
  const face = { x: box.x, y: box.y, width: box.side, height: box.side };
  try {
    const answer = await state.recognizer.recognize(picture, face);
    if (picture === state.picture) showAnswer(answer, box);
  } catch (error) {
    say(`The face cannot be recognized: ${error.message}`, true);
  }
  state.asked = 0;
  if (box !== state.box) recognizeSoon();
}

function emptyBar(name) {
  const row = document.createElement("li");
  const [label, bar, share] = ["span", "meter", "span"].map((tag) => document.createElement(tag));
  [label.className, share.className] = ["name", "share"];
  label.textContent = name;
  bar.setAttribute("aria-label", name);
  row.append(label, bar, share);
  return row;
}

function showAnswer({ expression, probabilities, pixels }, box) {
  const values = state.recognizer.usage.class_names.map((name) => probabilities[name]);
  const top = values.indexOf(Math.max(...values));
  $("answer").textContent = expression;
  [...$("bars").children].forEach((row, n) => {
    const share = percent(values[n]);
    row.classList.toggle("top", n === top);
    row.querySelector("meter").value = values[n];
    row.querySelector("meter").textContent = share;
    row.querySelector(".share").textContent = share;
  });
  showPixels(pixels);
  $("result").dataset.box = [box.x, box.y, box.side].join(); // what the numbers belong to
}

function showPixels(pixels) {
  const { height, width, channels } = state.recognizer.usage;
  const image = new ImageData(width, height);
  for (let n = 0; n < width * height; n++) {
    for (let color = 0; color < 3; color++) {
      image.data[4 * n + color] = pixels[channels * n + (color % channels)];
    }
    image.data[4 * n + 3] = 255;
  }
  const canvas = $("seen");
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").putImageData(image, 0, 0);
}
