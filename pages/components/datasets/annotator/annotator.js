// Shows a face, takes the rater's keys, and sends each answer until the server has saved it.

const FEW = 6; // faces ahead below which the browser asks for more
const PATIENCE = 3000; // ms after which answers that are not saved are sent again

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".annotator");
  if (!root.desk) root.desk = new Desk(root, data);
  root.desk.update(data, (sent) => setStateValue("sent", sent));
  // Also called before an update with new data, when the element stays connected.
  return () => setTimeout(() => root.isConnected || root.desk.close());
}

class Desk {
  constructor(root, data) {
    this.root = root;
    this.client = crypto.getRandomValues(new Uint32Array(2)).join("-");
    this.number = 0; // of the last press
    this.presses = []; // that the server may not have saved yet
    this.done = []; // faces answered here with the answers before, the newest last
    this.faces = new Map();
    this.place = data.start;
    this.build(data.answers);
    this.onKey = (event) => this.press(event);
    this.onLeave = (event) => this.presses.length && event.preventDefault();
    document.addEventListener("keydown", this.onKey);
    window.addEventListener("beforeunload", this.onLeave);
    root.tabIndex = -1;
    root.focus({ preventScroll: true }); // away from the name's field, which would take the keys
  }

  close() {
    clearTimeout(this.timer);
    document.removeEventListener("keydown", this.onKey);
    window.removeEventListener("beforeunload", this.onLeave);
  }

  // Takes what the server knows; what was pressed since then stays on top of it.
  update(data, send) {
    this.data = data;
    this.send = () => send({ client: this.client, place: this.place, presses: this.presses });
    if (data.client === this.client) {
      this.presses = this.presses.filter((press) => press.number > data.saved);
    }
    this.faces = new Map(data.faces.map((face) => [face.place, this.loaded(face)]));
    this.draw();
    if (!this.isShown) this.root.scrollIntoView({ block: "nearest" });
    this.isShown = true;
    this.askForMore();
    clearTimeout(this.timer);
    if (this.presses.length) this.timer = setTimeout(() => this.send(), PATIENCE);
  }

  loaded(face) {
    const known = this.faces.get(face.place);
    if (known && known.image === face.image) return { ...face, picture: known.picture };
    const picture = new Image();
    if (face.image) {
      picture.src = `data:image/jpeg;base64,${face.image}`;
      picture.decode().catch(() => {}); // now, so that it appears at once later
    }
    picture.alt = `Face ${face.place + 1}`;
    picture.draggable = false;
    return { ...face, picture };
  }

  askForMore() {
    const last = Math.min(this.data.total - 1, this.place + FEW);
    const first = Math.max(0, this.place - 1);
    const isShort = !this.faces.has(first) || !this.faces.has(last);
    if (isShort && this.asked !== this.place) {
      this.asked = this.place;
      this.send();
    }
  }

  press(event) {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.root.checkVisibility() || isTyping(event)) return;
    const key = event.key.toLowerCase();
    const answer = this.data.answers.findIndex((one) => one.key !== "" && one.key === key);
    if (answer >= 0) this.answer(answer);
    else if (key === "arrowleft") this.go(this.place - 1);
    else if (key === "arrowright") this.go(this.place + 1);
    else if (key === "backspace" || key === "u") this.undo();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  answer(answer) {
    if (!this.faces.has(this.place)) return; // nobody answers to a face that is not shown
    this.done.push({ place: this.place, before: this.answerTo(this.place) });
    this.add(this.place, answer);
    this.go(this.place + 1);
  }

  undo() {
    const last = this.done.pop();
    if (last === undefined) return;
    this.add(last.place, last.before);
    this.go(last.place);
  }

  add(place, answer) {
    this.number += 1;
    this.presses.push({ number: this.number, place, answer });
    this.asked = null;
  }

  go(place) {
    const before = this.place;
    this.place = Math.max(0, Math.min(this.data.total, place));
    this.draw();
    if (this.presses.length) this.send();
    else if (before !== this.place) this.askForMore();
  }

  // The answer to a face, with what was pressed since the server spoke; null without one.
  answerTo(place) {
    const pressed = this.presses.findLast((press) => press.place === place);
    if (pressed) return pressed.answer;
    return this.faces.get(place)?.answer ?? null;
  }

  answered() {
    const places = new Set(this.presses.map((press) => press.place));
    let count = this.data.answered;
    for (const place of places) {
      const known = this.faces.get(place);
      if (known) count += (this.answerTo(place) !== null) - (known.answer !== null);
    }
    return count;
  }

  build(answers) {
    const main = element("div", answers.length > 10 ? "answers many" : "answers");
    this.buttons = answers.map((answer, number) => {
      const button = element("button", "answer");
      button.type = "button";
      const dot = element("i");
      dot.style.background = answer.color;
      button.append(element("kbd", "", answer.key), dot, element("span", "", answer.name));
      button.addEventListener("click", () => this.answer(number));
      if (number >= answers.length - 2) button.classList.add("apart");
      main.append(button);
      return button;
    });
    this.stage = element("div", "stage");
    this.bar = element("i");
    const track = element("div", "track");
    track.append(this.bar);
    this.count = element("span", "count");
    this.count.setAttribute("role", "status");
    this.unsaved = element("span", "unsaved");
    const steps = element("div", "steps");
    this.back = step("← Previous", () => this.go(this.place - 1));
    this.forth = step("Next →", () => this.go(this.place + 1));
    this.withdraw = step("Undo (U)", () => this.undo());
    steps.append(this.back, this.withdraw, this.forth);
    const said = element("div", "said");
    said.append(this.count, this.unsaved);
    this.root.replaceChildren(said, track, this.stage, main, steps);
  }

  draw() {
    const { total } = this.data;
    const face = this.faces.get(this.place);
    const isEnd = this.place >= total;
    if (isEnd) this.stage.replaceChildren(element("p", "end", this.ending()));
    else if (!face) this.stage.replaceChildren(element("p", "end", "Loading …"));
    else if (!face.image) this.stage.replaceChildren(element("p", "end", "missing or damaged"));
    else if (this.stage.firstChild !== face.picture) this.stage.replaceChildren(face.picture);
    const given = this.answerTo(this.place);
    this.buttons.forEach((button, number) => {
      button.classList.toggle("given", given === number);
      button.setAttribute("aria-pressed", given === number);
      button.disabled = !face;
    });
    const answered = this.answered();
    const place = isEnd ? "" : `Face ${this.place + 1} of ${total} · `;
    this.count.textContent = `${place}${answered} answered`;
    this.unsaved.textContent = this.presses.length ? `${this.presses.length} not saved yet` : "";
    this.bar.style.width = `${(100 * answered) / total}%`;
    this.back.disabled = this.place === 0;
    this.forth.disabled = isEnd;
    this.withdraw.disabled = !this.done.length;
  }

  ending() {
    const left = this.data.total - this.answered();
    if (left <= 0) return "All faces of the sample have an answer. Thank you.";
    return `The end of the sample. ${left} without an answer: go back with ← to find them.`;
  }
}

function isTyping(event) {
  const target = event.composedPath()[0];
  if (target.isContentEditable || target.tagName === "TEXTAREA") return true;
  const others = ["radio", "checkbox", "button", "range"];
  return target.tagName === "INPUT" && !others.includes(target.type);
}

function step(label, act) {
  const button = element("button", "step", label);
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}

function element(tag, name = "", text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}
