// Lays out the tiles; a press tells Streamlit the tile's number.

export default function ({ data, parentElement, setTriggerValue }) {
  const gallery = parentElement.querySelector(".gallery");
  gallery.style.setProperty("--least", `${data.least}px`);
  const press = data.pressed ? (number) => setTriggerValue("pressed", number) : null;
  gallery.replaceChildren(...data.tiles.map((tile) => draw(tile, press)));
}

function draw(tile, press) {
  const place = document.createElement(press ? "button" : "div");
  place.className = tile.faded ? "tile faded" : "tile";
  if (press) {
    place.type = "button";
    place.title = tile.faded ? "Left out. Show it large" : "Show it large";
    place.addEventListener("click", () => press(tile.number));
  }
  place.append(picture(tile), label(tile));
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
