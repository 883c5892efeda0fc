// Joins the video of a container to its charts: a click or a key on a chart moves the video, and
// the video moves a line on each chart. Streamlit and Plotly draw both, and may draw them again.

const SEEKABLE = ".js-plotly-plot, video";
const STEP = 1; // seconds of an arrow key
const FRAME = 1 / 25; // seconds, where the browser has not told the time between two frames
const CLICK = 4; // pixels; a longer movement is a drag, which zooms
const ROUNDING = 1e-3; // seconds; the times of spells have three decimals
const CANNOT_PLAY =
  "This browser cannot play the video, which is H.264 in an MP4 file. Open the page in another " +
  "browser, or download the video and play it there.";

export default function ({ data, parentElement, setTriggerValue }) {
  const panel = parentElement.querySelector(".fer-moment");
  const container = panel.closest(`.${CSS.escape(data.container)}`);
  if (panel.join?.container !== container) {
    panel.join?.end();
    panel.join = container && join(container, panel);
  }
  panel.join?.update(data);
  const mark = parentElement.querySelector(".fer-mark");
  mark.hidden = data.cuts === null;
  mark.onclick = () => {
    const video = container?.querySelector("video");
    if (video) setTriggerValue("marked", timeOfCharts(data.cuts, video.currentTime));
  };
  // Also called before newer data arrive; then the element is still in use.
  return () => setTimeout(() => panel.isConnected || panel.join?.end());
}

function join(container, panel) {
  const state = { container, panel, data: null, failed: false, frame: FRAME, asked: 0 };
  const ending = new AbortController();
  const options = { signal: ending.signal, capture: true }; // media events do not bubble
  const ask = () => (state.asked ||= requestAnimationFrame(() => show(state)));
  const listen = (type, action) => container.addEventListener(type, action, options);
  for (const type of ["play", "pause", "seeked", "timeupdate", "loadedmetadata"]) listen(type, ask);
  listen("loadstart", () => ((state.failed = false), ask()));
  listen("error", (event) => event.target.closest?.("video") && ((state.failed = true), ask()));
  listen("play", (event) => measureFrames(state, event.target));
  listen("pointerdown", (event) => event.button === 0 && press(state, event, ending.signal));
  listen("keydown", (event) => onKey(state, event));
  // Charts are drawn late, and again after a zoom or a change of size.
  const observer = new MutationObserver(ask);
  observer.observe(container, { childList: true, subtree: true });
  container.classList.add("fer-joined");
  return {
    container,
    update(data) {
      state.data = data;
      ask();
    },
    end() {
      ending.abort();
      observer.disconnect();
      cancelAnimationFrame(state.asked);
      container.querySelectorAll(".fer-cursor").forEach((line) => line.remove());
    },
  };
}

// Draws the moment, and again in the next frame while the video plays.
function show(state) {
  state.asked = 0;
  const video = state.container.querySelector("video");
  if (!video || !state.data) return;
  if (video.error || state.failed) {
    write(state.panel, CANNOT_PLAY);
    return;
  }
  if (state.data.cuts === null) {
    write(state.panel, "The charts are not joined to the video, of which pauses were cut.");
    return;
  }
  const time = timeOfCharts(state.data.cuts, video.currentTime);
  for (const chart of charts(state)) moveCursor(chart, state, time);
  name(state, time);
  if (!video.paused && !video.ended) state.asked = requestAnimationFrame(() => show(state));
}

function charts(state) {
  const drawn = [...state.container.querySelectorAll(".js-plotly-plot")];
  return drawn.filter((chart) => chart._fullLayout?.xaxis?.c2p);
}

function moveCursor(chart, state, time) {
  const { xaxis: x, yaxis: y } = chart._fullLayout;
  let line = chart.querySelector(":scope > .fer-cursor");
  if (!line) {
    line = document.createElement("div");
    line.className = "fer-cursor";
    chart.append(line);
    chart.tabIndex = 0;
    chart.setAttribute("aria-label", "Chart; its keys move the video");
  }
  const place = x.c2p(x.d2c(state.data.origin) + 1e3 * time);
  line.hidden = place < -1 || place > x._length + 1; // zoomed out of it
  line.style.cssText = `transform: translateX(${x._offset + place}px); top: ${y._offset}px;
    height: ${y._length}px`;
  line.dataset.seconds = time.toFixed(3);
}

function name(state, time) {
  const { spells, answers } = state.data;
  const seen = spells.filter(([, start, end]) => start <= time + ROUNDING && time + ROUNDING < end);
  const key = JSON.stringify([clock(time), seen]);
  if (state.panel.dataset.shown === key) return;
  state.panel.dataset.shown = key;
  const stamp = document.createElement("span");
  stamp.className = "time";
  stamp.textContent = clock(time);
  const faces = seen.map(([number, , , answer]) => face(number, answers[answer]));
  state.panel.replaceChildren(stamp, ...(faces.length ? faces : ["no face"]));
}

function face(number, { label, color }) {
  const chip = document.createElement("span");
  chip.className = "face";
  const dot = document.createElement("i");
  dot.style.background = color;
  chip.append(dot, `Face ${number}: ${label}`);
  return chip;
}

function write(panel, sentence) {
  if (panel.textContent !== sentence) panel.textContent = sentence;
  delete panel.dataset.shown;
}

function clock(time) {
  const tenths = Math.floor(10 * time + 0.001);
  const [minutes, seconds] = [Math.floor(tenths / 600), (tenths % 600) / 10];
  return `${minutes}:${seconds.toFixed(1).padStart(4, "0")}`;
}

// A press that does not move is a click, wherever Plotly lets the release arrive.
function press(state, { target, clientX, clientY }, signal) {
  const chart = target.closest?.(".nsewdrag")?.closest(".js-plotly-plot");
  if (!chart) return;
  const release = (event) => {
    const moved = Math.hypot(event.clientX - clientX, event.clientY - clientY);
    if (moved > CLICK || event.type === "pointercancel") return;
    const { xaxis: x } = chart._fullLayout;
    const pixel = clientX - chart.getBoundingClientRect().left - x._offset;
    seek(state, (x.p2c(pixel) - x.d2c(state.data.origin)) / 1e3);
  };
  const options = { signal, once: true, capture: true };
  window.addEventListener("pointerup", release, options);
  window.addEventListener("pointercancel", release, options);
}

function onKey(state, event) {
  const place = event.target.closest?.(SEEKABLE);
  if (!place || event.ctrlKey || event.metaKey || event.altKey) return;
  const video = state.container.querySelector("video");
  const acts = {
    " ": () => (video.paused ? video.play().catch(() => {}) : video.pause()),
    ArrowLeft: () => move(video, -STEP),
    ArrowRight: () => move(video, STEP),
    ",": () => move(video, -state.frame),
    ".": () => move(video, state.frame),
    Home: () => move(video, -Infinity),
    End: () => move(video, Infinity),
  };
  if (!video || !acts[event.key]) return;
  event.preventDefault(); // the page would scroll, and the browser's own keys differ
  event.stopPropagation();
  acts[event.key]();
}

function move(video, seconds) {
  video.currentTime = Math.min(Math.max(0, video.currentTime + seconds), video.duration || 0);
}

function seek(state, time) {
  const video = state.container.querySelector("video");
  if (!video || !state.data?.cuts) return;
  const wanted = timeOfVideo(state.data.cuts, time);
  video.currentTime = Math.min(Math.max(0, wanted), video.duration || 0);
}

// Learns the time between two frames while the video plays.
function measureFrames(state, video) {
  let last = null;
  const look = (now, { mediaTime }) => {
    if (last !== null && mediaTime > last) state.frame = Math.min(mediaTime - last, STEP);
    last = mediaTime;
    if (!video.paused) video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback?.(look);
}

// The charts have the times of the original file, from which long pauses were cut in the video:
// `cuts` has the time after each pause, and the seconds cut up to there.
function timeOfCharts(cuts, time) {
  const before = cuts.filter(([from, cut]) => time >= from - cut);
  return time + (before.at(-1)?.[1] ?? 0);
}

function timeOfVideo(cuts, time) {
  const place = cuts.findIndex(([from]) => time < from);
  const before = cuts.at(place < 0 ? -1 : place - 1);
  const cut = place === 0 || !before ? 0 : before[1];
  const next = place < 0 ? Infinity : cuts[place][0] - cuts[place][1];
  return Math.min(time - cut, next - ROUNDING);
}
