// Lays out the tiles; a press tells Streamlit the tile's number.

export default function ({ data, parentElement, setTriggerValue }) {
  const gallery = parentElement.querySelector(".gallery");
  gallery.style.setProperty("--least", `${data.least}px`);
  const press = data.pressed ? (number) => setTriggerValue("pressed", number) : null;
  gallery.replaceChildren(...data.tiles.map((tile) => draw(tile, press)));
}

function draw(tile, press) {
  const place = document.createElement(press ? "button" : "div");
  place.className = "tile";
  if (press) {
    place.type = "button";
    place.title = "Show it large";
    place.addEventListener("click", () => press(tile.number));
  }
  place.append(picture(tile), label(tile), ...tile.bars.map(bar));
  return place;
}

function picture(tile) {
  if (!tile.image) {
    const gone = document.createElement("span");
    gone.className = "gone";
    gone.textContent = "gone or damaged";
    return gone;
  }
  const image = document.createElement("img");
  image.src = `data:image/jpeg;base64,${tile.image}`;
  image.alt = tile.label;
  return image;
}

function label(tile) {
  const label = document.createElement("span");
  label.className = "label";
  const mark = document.createElement("i");
  mark.style.background = tile.color;
  label.append(mark, tile.label);
  return label;
}

function bar({ label, share, color, strong }) {
  const line = document.createElement("span");
  line.className = strong ? "bar strong" : "bar";
  const name = document.createElement("span");
  name.textContent = label;
  const track = document.createElement("span");
  track.className = "track";
  const filled = document.createElement("i");
  filled.style.width = `${100 * share}%`;
  filled.style.background = color;
  track.append(filled);
  const number = document.createElement("span");
  number.textContent = `${Math.round(100 * share)}%`;
  line.append(name, track, number);
  return line;
}
