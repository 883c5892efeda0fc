// Draws a figure with Plotly.react into the place it had before, in the page's own colours.

const OPTIONS = {
  displaylogo: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};

export default function ({ data, parentElement, setStateValue }) {
  const place = parentElement.querySelector(".live-plot");
  place.style.height = `${data.height}px`;
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", data.label);
  place.figure = data.figure;
  place.tell = (hidden) => setStateValue("hidden", hidden);
  if (!place.onVisibility) heed(place);
  show(place);
  // Also called when a newer figure overtook this one: then the place is still in use.
  return () => setTimeout(() => place.isConnected || forget(place));
}

function heed(place) {
  place.onVisibility = () => {
    place.tell(document.hidden);
    show(place);
  };
  document.addEventListener("visibilitychange", place.onVisibility);
  if (document.hidden) place.tell(true);
}

// What nobody sees is not drawn.
function show(place) {
  if (!document.hidden) whenPlotlyIsThere(() => draw(place));
}

function whenPlotlyIsThere(act) {
  if (window.Plotly) act();
  else window.addEventListener("plotly-ready", act, { once: true });
}

function draw(place) {
  if (!place.isConnected) return;
  const figure = JSON.parse(place.figure);
  const layout = { ...figure.layout, ...looks(place), autosize: true };
  // On a touch screen a finger that moves scrolls the page.
  if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
  window.Plotly.react(place, figure.data, layout, OPTIONS);
  place.resizing ??= follow(place);
}

function looks(place) {
  const style = getComputedStyle(place);
  const value = (name) => style.getPropertyValue(name).trim();
  const color = value("--st-text-color");
  const ground = value("--st-secondary-background-color");
  return {
    font: { color, family: value("--st-font"), size: 13 },
    hoverlabel: { namelength: -1, bgcolor: ground, font: { color } },
    modebar: { bgcolor: "transparent", color, activecolor: value("--st-primary-color") },
  };
}

function follow(place) {
  const observer = new ResizeObserver(() => place.clientWidth && window.Plotly.Plots.resize(place));
  observer.observe(place);
  return observer;
}

function forget(place) {
  document.removeEventListener("visibilitychange", place.onVisibility);
  place.resizing?.disconnect();
  window.Plotly?.purge(place);
}
