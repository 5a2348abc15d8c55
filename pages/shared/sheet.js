// A grid of images cut out of one sheet. Each is a toggle button: click, Shift and click for all
// between, or arrow keys and Space. What is selected is known by id, whatever page is shown.

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

export default function ({ data, parentElement, setStateValue }) {
  const grid = parentElement.querySelector(".sheet");
  const view = (grid.view ??= { selected: new Set(), last: 0 });
  if (view.stamp !== data.stamp) {
    view.stamp = data.stamp;
    view.selected = new Set(data.given);
  }
  const tiles = JSON.stringify(data.tiles);
  if (view.sheet !== data.sheet || view.tiles !== tiles) {
    Object.assign(view, { sheet: data.sheet, tiles });
    draw(grid, data, parentElement.activeElement?.dataset.place);
  }
  mark(grid, data, view);

  grid.onclick = (event) => {
    const button = event.target.closest("button");
    if (button === null) return;
    const place = Number(button.dataset.place);
    const on = !view.selected.has(data.tiles[place].id);
    const from = event.shiftKey ? Math.min(view.last, place) : place;
    const to = event.shiftKey ? Math.max(view.last, place) : place;
    for (const { id } of data.tiles.slice(from, to + 1)) {
      if (on) view.selected.add(id);
      else view.selected.delete(id);
    }
    view.last = place;
    mark(grid, data, view);
    setStateValue("selected", [...view.selected]);
  };

  grid.onkeydown = (event) => {
    const buttons = [...grid.children];
    const place = buttons.indexOf(event.target.closest("button"));
    const columns = buttons.filter((one) => one.offsetTop === buttons[0].offsetTop).length;
    const step = { ...STEPS, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (place < 0 || step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const next = Math.min(Math.max(place + step, 0), buttons.length - 1);
    buttons[place].tabIndex = -1;
    buttons[next].tabIndex = 0;
    buttons[next].focus();
  };
}

function draw(grid, data, focused) {
  const bytes = Uint8Array.from(atob(data.sheet), (letter) => letter.charCodeAt(0));
  if (grid.address) URL.revokeObjectURL(grid.address);
  grid.address = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  const { width, height, columns, pixelated } = data;
  grid.style.setProperty("--sheet", `url(${grid.address})`);
  grid.style.setProperty("--width", `${width}px`);
  grid.style.setProperty("--height", `${height}px`);
  grid.style.setProperty("--sheet-width", `${columns * width}px`);
  grid.style.setProperty("--rendering", pixelated ? "pixelated" : "auto");
  grid.setAttribute("aria-label", data.label);
  grid.replaceChildren(...data.tiles.map((tile, place) => drawn(tile, place, data)));
  if (focused !== undefined) grid.children[Math.min(focused, data.tiles.length - 1)].focus();
}

function drawn(tile, place, { width, height, columns }) {
  const button = document.createElement("button");
  const [picture, caption, tags] = ["picture", "caption", "tags"].map((name) => {
    const part = document.createElement("span");
    part.className = name;
    return part;
  });
  const x = (place % columns) * width;
  const y = Math.floor(place / columns) * height;
  picture.style.backgroundPosition = `-${x}px -${y}px`;
  caption.textContent = tile.caption;
  tags.textContent = tile.tags;
  button.type = "button";
  button.dataset.place = place;
  button.tabIndex = place === 0 ? 0 : -1;
  button.title = tile.label;
  button.setAttribute("aria-label", tile.label);
  button.append(picture, caption);
  if (tile.tags) button.append(tags);
  return button;
}

function mark(grid, data, view) {
  data.tiles.forEach(({ id }, place) => {
    grid.children[place].setAttribute("aria-pressed", view.selected.has(id));
  });
}
