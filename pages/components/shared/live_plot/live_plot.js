// Draws a figure with Plotly.react in element, in the page's colors.

const OPTIONS = {
  displaylogo: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};

export default function ({ data, parentElement, setStateValue }) {
  const element = parentElement.querySelector(".live-plot");
  element.style.height = `${data.height}px`;
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", data.label);
  element.figure = data.figure;
  element.script = data.script;
  element.options = { ...OPTIONS, displayModeBar: data.tools && "hover" };
  element.reportHidden = (hidden) => setStateValue("hidden", hidden);
  if (!element.onVisibility) watchVisibility(element);
  show(element);
  // Also called when a newer figure replaces this one; then the element is still in use.
  return () => setTimeout(() => element.isConnected || cleanUp(element));
}

function watchVisibility(element) {
  element.onVisibility = () => {
    element.reportHidden(document.hidden);
    show(element);
  };
  document.addEventListener("visibilitychange", element.onVisibility);
  if (document.hidden) element.reportHidden(true);
}

// Hidden tabs draw nothing.
function show(element) {
  if (!document.hidden) loadPlotly(element.script).then(() => draw(element));
}

// Once for all figures of the tab. After an error, the next figure or refresh tries again.
function loadPlotly(address) {
  return (window.plotlyForLivePlots ??= new Promise((done) => {
    const script = document.createElement("script");
    script.onload = done;
    script.onerror = () => {
      script.remove();
      delete window.plotlyForLivePlots;
    };
    script.src = address;
    document.head.append(script);
  }));
}

function draw(element) {
  if (!element.isConnected) return;
  const figure = JSON.parse(element.figure);
  const layout = { ...figure.layout, ...pageStyle(element), autosize: true };
  // On touch screens dragging scrolls the page.
  if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false;
  window.Plotly.react(element, figure.data, layout, element.options);
  element.resizing ??= watchSize(element);
}

function pageStyle(element) {
  const style = getComputedStyle(element);
  const value = (name) => style.getPropertyValue(name).trim();
  const color = value("--st-text-color");
  const background = value("--st-secondary-background-color");
  return {
    font: { color, family: value("--st-font"), size: 13 },
    hoverlabel: { namelength: -1, bgcolor: background, font: { color } },
    modebar: { bgcolor: "transparent", color, activecolor: value("--st-primary-color") },
  };
}

function watchSize(element) {
  const observer = new ResizeObserver(() => element.clientWidth && window.Plotly.Plots.resize(element));
  observer.observe(element);
  return observer;
}

function cleanUp(element) {
  document.removeEventListener("visibilitychange", element.onVisibility);
  element.resizing?.disconnect();
  window.Plotly?.purge(element);
}
