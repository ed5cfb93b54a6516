// What all labs share: controls, plots with axes and handles, and the loop that draws.
//
// A view is an object: `compute(data, values)` returns numbers, `readout(numbers, values)`
// returns pairs of label and text, and `build(lab)` adds controls and plots and returns the
// function, or functions, that draw them. A lab's state is the state of its widget; without a kernel,
// `page` provides it.

const SVG_DASH = { solid: [], dashed: [6, 4], dotted: [2, 3] };
const JUMPS = { // of a handle, in steps along x and y
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1],
  PageDown: [0, -10], PageUp: [0, 10], Home: [-Infinity, 0], End: [Infinity, 0],
};
const MARGINS = { left: 58, right: 14, top: 10, bottom: 42 }; // pixels around a plot

// --------------------------------------------------------------------------- numbers

const range = (n, make = (i) => i) => Array.from({ length: n }, (_, i) => make(i));
const sum = (values) => values.reduce((total, x) => total + x, 0);
const clamp = (x, low, high) => Math.min(Math.max(x, low), high);

// As text, with a true minus sign.
const fixed = (x, digits) => x.toFixed(digits).replace("-", "\u2212");
const percent = (share, digits = 1) => `${fixed(100 * share, digits)}\u00a0%`;
const shown = (x) => String(Number(x.toPrecision(6))).replace("-", "\u2212");

// What `make` returned last time under this name, unless one of the keys has changed.
function keep(data, name, keys, make) {
  const kept = (data.kept ??= {});
  if (!kept[name]?.keys.every((key, i) => key === keys[i])) kept[name] = { keys, value: make() };
  return kept[name].value;
}

// -------------------------------------------------------------------------- elements

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// Arrays arrive as {dtype, shape, data}, with bytes from a kernel or base64 in a page.
function unpack(data) {
  const types = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };
  const entries = Object.entries(data).map(([name, value]) => {
    if (value == null || value.dtype === undefined) return [name, value];
    const bytes = typeof value.data === "string"
      ? Uint8Array.from(atob(value.data), (c) => c.charCodeAt(0))
      : new Uint8Array(value.data.buffer.slice(
        value.data.byteOffset, value.data.byteOffset + value.data.byteLength));
    const array = new types[value.dtype](bytes.buffer);
    array.shape = value.shape;
    return [name, array];
  });
  return Object.fromEntries(entries);
}

// ---------------------------------------------------------------------------- scales

const TRANSFORMS = {
  linear: [(x) => x, (x) => x],
  log: [(x) => Math.log10(Math.max(x, 1e-300)), (x) => 10 ** x],
  asinh: [Math.asinh, Math.sinh],
};

function scale({ domain, kind = "linear" }, [from, to]) {
  const [forward, back] = TRANSFORMS[kind];
  const [low, high] = domain.map(forward);
  const map = (x) => from + ((forward(x) - low) / (high - low)) * (to - from);
  map.invert = (pixel) => back(low + ((pixel - from) / (to - from)) * (high - low));
  return map;
}

function ticks({ domain: [low, high], kind = "linear", ticks: given }, room) {
  if (given) return given;
  if (kind === "log") {
    const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
    return range(last - first + 1, (i) => 10 ** (first + i));
  }
  const rough = (high - low) / Math.max(2, Math.floor(room / 70));
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough);
  const first = Math.ceil(low / step - 1e-9);
  return range(Math.floor(high / step + 1e-9) - first + 1, (i) => (first + i) * step);
}

// Colors from dark blue to yellow (near the map "cividis"), as bytes of pixels.
const SHADES = [[0, 32, 77], [62, 73, 107], [124, 123, 120], [187, 175, 113], [255, 234, 70]];
const COLOR_TABLE = new Uint32Array(Uint8Array.from(range(256, (i) => {
  const part = i / 64;
  const [dark, bright] = [SHADES[Math.floor(part)], SHADES[Math.ceil(part)]];
  return [...dark.map((low, k) => low + (part % 1) * (bright[k] - low)), 255];
}).flat()).buffer);

// A canvas with a pixel for each number from 0 to 1, row by row from the top; `share` gets
// row and column. Where it is NaN, the picture is transparent.
function paint(rows, columns, share) {
  const pixels = new Uint32Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const x = share(i, j);
      if (!Number.isNaN(x)) pixels[i * columns + j] = COLOR_TABLE[Math.round(255 * clamp(x, 0, 1))];
    }
  }
  const canvas = node("canvas", { width: columns, height: rows });
  canvas.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(pixels.buffer), columns), 0, 0);
  return canvas;
}

// ----------------------------------------------------------------------------- plots

class Plot {
  // `x` and `y` are {label, domain, kind, ticks, format}; `describe` names the picture.
  constructor(lab, { title, x, y, height = 260, describe, style, square = false, axes = true }) {
    Object.assign(this, { lab, axisX: x, axisY: y, height, square, axes, handles: [], lines: [] });
    this.title = node("figcaption", {}, title);
    this.canvas = node("canvas", { role: "img", "aria-label": describe });
    this.frame = node("div", { class: "siamlab-frame" }, this.canvas);
    this.node = node("figure", { class: "siamlab-plot", style }, this.title, this.frame);
    this.pen = this.canvas.getContext("2d");
  }

  layout() {
    this.width = this.frame.clientWidth;
    const height = this.square ? Math.min(this.width, this.height) : this.height;
    const ratio = globalThis.devicePixelRatio || 1;
    Object.assign(this.canvas, { width: this.width * ratio, height: height * ratio });
    this.canvas.style.height = `${height}px`;
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    const m = this.axes ? MARGINS : { left: 6, right: 6, top: 6, bottom: 6 };
    this.left = m.left;
    this.right = this.width - m.right;
    this.top = m.top;
    this.bottom = height - m.bottom;
    if (this.square) this.right = this.left + Math.min(this.right - this.left, this.bottom - this.top);
  }

  // The domains may have changed.
  rescale() {
    this.x = scale(this.axisX, [this.left, this.right]);
    this.y = scale(this.axisY, [this.bottom, this.top]);
  }

  // Clear the plot and draw its axes; called before each drawing.
  begin() {
    this.rescale();
    const { pen, left, right, top, bottom } = this;
    pen.clearRect(0, 0, this.width, this.canvas.clientHeight);
    if (!this.axes) return;
    pen.font = "12px system-ui, sans-serif";
    pen.lineWidth = 1;
    for (const [axis, along] of [[this.axisX, this.x], [this.axisY, this.y]]) {
      const isX = axis === this.axisX;
      for (const value of ticks(axis, isX ? right - left : bottom - top)) {
        const at = along(value);
        pen.strokeStyle = this.lab.color("grid");
        this.stroke(isX ? [[at, top], [at, bottom]] : [[left, at], [right, at]]);
        const text = (axis.format || shown)(value);
        if (isX) this.write(text, at, bottom + 6, { align: "center", baseline: "top" });
        else this.write(text, left - 6, at, { align: "right" });
      }
      if (isX) this.write(axis.label, (left + right) / 2, bottom + 24, { align: "center", baseline: "top" });
      else this.write(axis.label, 12, (top + bottom) / 2, { align: "center", turn: true });
    }
    pen.strokeStyle = this.lab.color("ink");
    this.stroke([[left, top], [left, bottom], [right, bottom]]);
  }

  stroke(corners) {
    this.pen.beginPath();
    for (const [x, y] of corners) this.pen.lineTo(x, y);
    this.pen.stroke();
  }

  // Write at a place in pixels.
  write(text, x, y, { color = "ink", align = "left", baseline = "middle", turn, bold } = {}) {
    const { pen } = this;
    pen.save();
    pen.fillStyle = this.lab.color(color);
    pen.textAlign = align;
    pen.textBaseline = baseline;
    if (bold) pen.font = `bold ${pen.font}`;
    pen.translate(x, y);
    if (turn) pen.rotate(-Math.PI / 2);
    pen.fillText(text, 0, 0);
    pen.restore();
  }

  // The following take values of the axes.
  label(text, x, y, options) {
    this.write(text, this.x(x), this.y(y), options);
  }

  inside(draw) {
    this.pen.save();
    this.pen.beginPath();
    this.pen.rect(this.left, this.top, this.right - this.left, this.bottom - this.top);
    this.pen.clip();
    draw();
    this.pen.restore();
  }

  line(xs, ys, { color = "ink", width = 2, dash = "solid" } = {}) {
    const { pen } = this;
    this.inside(() => {
      pen.strokeStyle = this.lab.color(color);
      pen.lineWidth = width;
      pen.setLineDash(SVG_DASH[dash]);
      pen.beginPath();
      for (let i = 0; i < xs.length; i++) pen.lineTo(this.x(xs[i]), this.y(ys[i]));
      pen.stroke();
    });
  }

  points(xs, ys, { color = "ink", size = 4, marker = "circle", hollow = false } = {}) {
    const { pen } = this;
    pen.fillStyle = pen.strokeStyle = this.lab.color(color);
    pen.lineWidth = 1.5;
    for (let i = 0; i < xs.length; i++) {
      const x = this.x(xs[i]);
      const y = this.y(ys[i]);
      pen.beginPath();
      if (marker === "circle") pen.arc(x, y, size, 0, 2 * Math.PI);
      else if (marker === "square") pen.rect(x - size, y - size, 2 * size, 2 * size);
      else {
        pen.moveTo(x, y - size);
        pen.lineTo(x + size, y + size);
        pen.lineTo(x - size, y + size);
        pen.closePath();
      }
      if (hollow) pen.stroke();
      else pen.fill();
    }
  }

  bars(edges, heights, { color = "ink", alpha = 0.55 } = {}) {
    const { pen } = this;
    pen.save();
    pen.fillStyle = this.lab.color(color);
    pen.globalAlpha = alpha;
    const base = this.y(this.axisY.domain[0]);
    for (let i = 0; i < heights.length; i++) {
      const [from, to] = [this.x(edges[i]), this.x(edges[i + 1])];
      const top = this.y(heights[i]);
      pen.fillRect(from, top, to - from, base - top);
    }
    pen.restore();
  }

  // A picture over the whole height, from one value of the x-axis to another.
  image(canvas, [from, to] = this.axisX.domain) {
    this.pen.imageSmoothingEnabled = false;
    this.inside(() => this.pen.drawImage(
      canvas, this.x(from), this.top, this.x(to) - this.x(from), this.bottom - this.top));
  }

  band([from, to], { color = "faint" } = {}) {
    this.pen.fillStyle = this.lab.color(color);
    this.pen.fillRect(this.x(from), this.top, this.x(to) - this.x(from), this.bottom - this.top);
  }

  // Something that can be dragged, and moved with the arrow keys: along x a line, along y a
  // point at `at()`, along xy a point. `get` and `set` read and change its value, by default
  // that of the control `name`; along xy, both have two numbers.
  handle({ name, axis = "x", label, min, max, step, at = () => 0, text = shown, isShown = () => true,
    get = () => this.lab.values[name], set = (value) => this.lab.set({ [name]: value }) }) {
    const grip = node("div", { class: `siamlab-handle siamlab-${axis}`, role: "slider", tabindex: 0,
      "aria-label": label, "aria-orientation": axis === "y" ? "vertical" : "horizontal" });
    const round = (x) => Number(clamp(min + step * Math.round((x - min) / step), min, max).toPrecision(12));
    const move = (to) => this.lab.timed(() => set(axis === "xy" ? to.map(round) : round(to)));
    grip.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      grip.setPointerCapture(event.pointerId);
      grip.focus();
      event.preventDefault();
    });
    grip.addEventListener("pointermove", (event) => {
      if (!grip.hasPointerCapture(event.pointerId)) return;
      const box = this.canvas.getBoundingClientRect();
      const place = [this.x.invert(event.clientX - box.left), this.y.invert(event.clientY - box.top)];
      move(axis === "xy" ? place : place["xy".indexOf(axis)]);
    });
    grip.addEventListener("keydown", (event) => {
      const jump = JUMPS[event.key];
      if (!jump) return;
      const along = (x, steps) => clamp(x + steps * step, min, max); // steps may be infinite
      if (axis === "xy") move(get().map((x, i) => along(x, jump[i])));
      else move(along(get(), jump[0] + jump[1]));
      event.preventDefault();
    });
    // Pressed anywhere in the plot, the nearest line comes there.
    if (axis === "x") {
      this.lines.push(get);
      this.canvas.addEventListener("pointerdown", (event) => {
        const x = event.offsetX;
        const far = (value) => Math.abs(this.x(value()) - x);
        const isNearest = this.lines.every((other) => far(other) >= far(get));
        if (event.button || !isNearest || x < this.left || x > this.right) return;
        grip.dispatchEvent(new PointerEvent("pointerdown", event));
        move(this.x.invert(x));
      });
    }
    this.frame.append(grip);
    this.handles.push(() => {
      grip.hidden = !isShown();
      if (grip.hidden) return;
      const [x, y] = { x: () => [get(), null], y: () => [at(), get()], xy: get }[axis]();
      grip.style.transform = `translate(${this.x(x)}px, ${y === null ? this.top : this.y(y)}px)`;
      if (axis === "x") grip.style.height = `${this.bottom - this.top}px`;
      const values = { min, max, now: axis === "y" ? y : x, text: text(get()) };
      for (const [key, value] of Object.entries(values)) grip.setAttribute(`aria-value${key}`, value);
    });
  }
}

// ------------------------------------------------------------------------------ labs

class Lab {
  constructor(model, el, view) {
    Object.assign(this, { model, view, plots: [], times: [], busy: 0, syncs: [] });
    this.data = unpack(model.get("data"));
    this.names = model.get("names");
    this.controls = node("div", { class: "siamlab-controls" });
    this.pictures = node("div", { class: "siamlab-pictures" });
    this.numbers = node("dl", { class: "siamlab-readout", "aria-live": "polite" });
    this.root = node("section", { class: "siamlab-lab", "aria-label": view.title },
      this.controls, node("div", { class: "siamlab-body" }, this.pictures, this.numbers));
    el.append(this.root);
    this.initial = this.values;
    this.draws = [view.build(this)].flat();
    this.controls.append(node("button", { type: "button", onclick: () => this.set(this.initial) }, "reset"));
    this.draw = () => this.schedule();
    for (const name of this.names) model.on(`change:${name}`, this.draw);
    model.on("change:data", this.reload);
    this.sizes = new ResizeObserver(() => this.schedule(true));
    this.sizes.observe(this.root);
    this.theme = matchMedia("(prefers-color-scheme: dark)");
    this.theme.addEventListener("change", this.restyle);
    this.themes = new MutationObserver(this.restyle);
    this.themes.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
    this.restyle();
  }

  get values() {
    return Object.fromEntries(this.names.map((name) => [name, this.model.get(name)]));
  }

  reload = () => {
    this.data = unpack(this.model.get("data"));
    this.schedule(true);
  };

  restyle = () => {
    this.style = getComputedStyle(this.root);
    this.palette = {};
    this.schedule(true);
  };

  color(name) {
    this.palette[name] ??= this.style.getPropertyValue(`--${name}`).trim() || name;
    return this.palette[name];
  }

  set(values) {
    for (const [name, value] of Object.entries(values)) this.model.set(name, value);
    // Jupyter joins changes until the kernel has received those before. Sent later, they would
    // be undone for a moment by the kernel's echo of the last ones.
    this.model.save_changes();
    this.schedule();
  }

  timed(work) {
    const began = performance.now();
    work();
    this.busy += performance.now() - began;
  }

  schedule(layout = false) {
    this.stale ||= layout;
    this.frame ??= requestAnimationFrame(() => this.timed(() => this.paint()) || this.record());
  }

  record() {
    this.times.push(this.busy);
    this.busy = 0;
  }

  paint() {
    this.frame = undefined;
    if (!this.root.clientWidth) return;
    if (this.stale) for (const plot of this.plots) plot.layout();
    this.stale = false;
    const values = this.values;
    const numbers = this.view.compute(this.data, values);
    for (const plot of this.plots) plot.begin();
    for (const draw of this.draws) draw(numbers, values);
    for (const plot of this.plots) for (const place of plot.handles) place();
    for (const sync of this.syncs) sync(values);
    const pairs = this.view.readout(numbers, values);
    while (this.numbers.children.length > pairs.length) this.numbers.lastChild.remove();
    pairs.forEach(([label, text], i) => {
      const row = this.numbers.children[i]
        ?? this.numbers.appendChild(node("div", {}, node("dt"), node("dd")));
      row.firstChild.textContent = label;
      row.lastChild.textContent = text;
    });
  }

  plot(options) {
    const made = new Plot(this, options);
    this.plots.push(made);
    this.pictures.append(made.node);
    return made;
  }

  slider(name, { label, min, max, step, text = shown }) {
    const input = node("input", { type: "range", min, max, step, "aria-label": label,
      oninput: () => this.timed(() => this.set({ [name]: Number(input.value) })) });
    const value = node("output");
    this.controls.append(node("label", { class: "siamlab-slider" }, node("span", {}, label), input, value));
    this.syncs.push((values) => {
      input.value = values[name];
      value.textContent = text(values[name]);
      input.setAttribute("aria-valuetext", text(values[name]));
    });
  }

  choice(name, { label, options }) {
    const group = `siamlab-${Math.random().toString(36).slice(2)}`;
    const inputs = options.map(([value]) => node("input", { type: "radio", name: group,
      onchange: () => this.timed(() => this.set({ [name]: value })) }));
    this.controls.append(node("fieldset", {}, node("legend", {}, label),
      ...options.map(([, text], i) => node("label", {}, inputs[i], text))));
    this.syncs.push((values) => options.forEach(([value], i) => {
      inputs[i].checked = value === values[name];
    }));
  }

  switch(name, label) {
    const input = node("input", { type: "checkbox", role: "switch",
      onchange: () => this.timed(() => this.set({ [name]: input.checked })) });
    this.controls.append(node("label", { class: "siamlab-switch" }, input, label));
    this.syncs.push((values) => {
      input.checked = values[name];
    });
  }

  // A text that appears at a place of a plot, in pixels; none without a text.
  tooltip(plot, text, x, y) {
    this.tip ??= node("div", { class: "siamlab-tip" });
    this.tip.hidden = !text;
    if (!text) return;
    this.tip.textContent = text;
    plot.frame.append(this.tip);
    const left = Math.min(x + 12, plot.width - this.tip.offsetWidth);
    this.tip.style.transform = `translate(${left}px, ${y + 12}px)`;
  }

  button(label, onclick) {
    const made = node("button", { type: "button", onclick }, label);
    this.controls.append(made);
    return made;
  }

  end() {
    for (const name of this.names) this.model.off(`change:${name}`, this.draw);
    this.model.off("change:data", this.reload);
    this.sizes.disconnect();
    this.themes.disconnect();
    this.theme.removeEventListener("change", this.restyle);
    cancelAnimationFrame(this.frame);
  }
}

// What a page without a kernel has in place of a widget's model.
class PageModel {
  constructor(state) {
    Object.assign(this, { state, listeners: {} });
  }

  get(name) {
    return this.state[name];
  }

  set(name, value) {
    this.state[name] = value;
    for (const listener of this.listeners[`change:${name}`] ?? []) listener();
  }

  on(event, listener) {
    (this.listeners[event] ??= new Set()).add(listener);
  }

  off(event, listener) {
    this.listeners[event]?.delete(listener);
  }

  save_changes() {}
}

function widget(view) {
  return {
    view,
    render({ model, el }) {
      const lab = new Lab(model, el, view);
      el.siamlab = lab;
      return () => lab.end();
    },
    page(state, el) {
      document.title = view.title;
      el.append(node("h1", { class: "siamlab-title" }, view.title));
      this.render({ model: new PageModel(state), el });
      // In a frame of a page from the same host, the frame takes the height of the lab.
      const height = () => `${document.body.offsetHeight + 4}px`;
      const fit = () => window.frameElement?.style.setProperty("height", height());
      new ResizeObserver(fit).observe(document.body);
    },
  };
}
