// Draws the tiles; a click sends the tile's number to Streamlit.

export default function ({ data, parentElement, setTriggerValue }) {
  const gallery = parentElement.querySelector(".gallery");
  gallery.style.setProperty("--min-width", `${data.minWidth}px`);
  gallery.press = (number) => setTriggerValue("pressed", number);
  // Every run of the page calls this. Equal tiles stay, or a press in that moment would be lost.
  const content = JSON.stringify([data.tiles, data.groups, data.clickable]);
  if (gallery.content === content) return;
  gallery.content = content;
  const press = data.clickable ? (number) => gallery.press(number) : null;
  const tiles = data.tiles.map((tile) => draw(tile, press));
  gallery.classList.toggle("grouped", data.groups !== null);
  gallery.replaceChildren(...(data.groups === null ? tiles : framed(tiles, data.groups)));
}

function framed(tiles, groups) {
  const frames = [];
  tiles.forEach((tile, place) => {
    if (place === 0 || groups[place] !== groups[place - 1]) {
      const frame = document.createElement("div");
      frame.className = "group";
      frames.push(frame);
    }
    frames.at(-1).append(tile);
  });
  return frames;
}

function draw(tile, press) {
  const place = document.createElement(press ? "button" : "div");
  place.className = tile.faded ? "tile faded" : "tile";
  if (press) {
    place.type = "button";
    place.title = tile.faded ? "Excluded. Click to enlarge" : "Click to enlarge";
    place.addEventListener("click", () => press(tile.number));
  }
  place.append(picture(tile), label(tile), ...tile.bars.map(bar));
  return place;
}

function picture(tile) {
  if (!tile.image) {
    const gone = document.createElement("span");
    gone.className = "gone";
    gone.textContent = "missing or damaged";
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
