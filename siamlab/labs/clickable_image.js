// A picture whose points can be hovered over, clicked, and lassoed.
//
// The PNG comes from the kernel; only the mouse's marks are drawn here.
// State comes in (value, width, positions, names), events go out (chosen, selected).

const NEAR = 12; // pixels: largest distance from the mouse to a point that it selects

function render({ model, el }) {
  const box = document.createElement("div");
  const image = document.createElement("img");
  const canvas = document.createElement("canvas");
  const label = document.createElement("div");
  box.style.cssText = "position: relative; display: inline-block; max-width: 100%";
  image.style.cssText = "display: block; max-width: 100%; height: auto";
  image.alt = "A map of utterances. The controls beside it do what the mouse does.";
  canvas.style.cssText =
    "position: absolute; inset: 0; width: 100%; height: 100%; cursor: crosshair";
  label.className = "siamlab-point-label";
  label.style.cssText =
    "position: absolute; display: none; pointer-events: none; padding: 1px 6px; " +
    "background: white; color: black; border: 1px solid black; white-space: nowrap";
  box.append(image, canvas, label);
  el.append(box);

  let positions = new Float32Array();
  let lasso = []; // corners since the button was pressed

  function show() {
    const old = image.src;
    const png = new Blob([model.get("value")], { type: "image/png" });
    image.src = URL.createObjectURL(png);
    if (old) URL.revokeObjectURL(old);
  }

  function readPositions() {
    const bytes = model.get("positions"); // a DataView
    const copy = bytes.buffer.slice(
      bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    positions = new Float32Array(copy);
  }

  function corner(event) {
    const frame = canvas.getBoundingClientRect();
    return [event.clientX - frame.left, event.clientY - frame.top];
  }

  function point(i) {
    return [positions[2 * i] * canvas.clientWidth, positions[2 * i + 1] * canvas.clientHeight];
  }

  function nearest([x, y]) {
    let best = -1;
    let least = NEAR ** 2;
    for (let i = 0; 2 * i < positions.length; i++) {
      const [left, top] = point(i);
      const distance = (left - x) ** 2 + (top - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  // A point is inside where a ray from it crosses the border an odd number of times.
  function inside([x, y]) {
    let odd = false;
    for (let i = 0, j = lasso.length - 1; i < lasso.length; j = i++) {
      const [ax, ay] = lasso[i];
      const [bx, by] = lasso[j];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    }
    return odd;
  }

  function draw(i) {
    canvas.width = canvas.clientWidth; // this also clears it
    canvas.height = canvas.clientHeight;
    const pen = canvas.getContext("2d");
    pen.lineWidth = 2;
    pen.beginPath();
    if (lasso.length) {
      pen.setLineDash([6, 4]);
      for (const [x, y] of lasso) pen.lineTo(x, y);
    } else if (i >= 0) {
      pen.arc(...point(i), 9, 0, 2 * Math.PI);
    }
    pen.stroke();
    label.style.display = i >= 0 ? "block" : "none";
    if (i < 0) return;
    const [x, y] = point(i);
    label.textContent = model.get("names")[i];
    label.style.top = `${y + 14}px`;
    // Towards the center, so that it is not cut off at the right.
    const right = x > canvas.clientWidth / 2;
    label.style.left = right ? "" : `${x}px`;
    label.style.right = right ? `${canvas.clientWidth - x}px` : "";
  }

  canvas.onpointerdown = (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    lasso = [corner(event)];
  };
  canvas.onpointermove = (event) => {
    const here = corner(event);
    if (lasso.length) lasso.push(here);
    draw(lasso.length ? -1 : nearest(here));
  };
  canvas.onpointerleave = () => draw(-1);
  canvas.onpointercancel = () => {
    lasso = [];
    draw(-1);
  };
  canvas.onpointerup = (event) => {
    if (!lasso.length) return;
    const here = corner(event);
    const [x, y] = lasso[0];
    const moved = lasso.some(([a, b]) => Math.hypot(a - x, b - y) > 4);
    const chosen = nearest(here);
    const rows = [];
    for (let i = 0; moved && 2 * i < positions.length; i++) {
      if (inside(point(i))) rows.push(i);
    }
    lasso = [];
    draw(moved ? -1 : chosen);
    if (moved || chosen < 0) model.send({ selected: rows });
    else model.send({ chosen });
  };

  const resize = () => {
    image.width = Number(model.get("width"));
  };
  resize();
  show();
  readPositions();
  model.on("change:value", show);
  model.on("change:positions", readPositions);
  model.on("change:width", resize);
  return () => {
    URL.revokeObjectURL(image.src);
    model.off("change:value", show);
    model.off("change:positions", readPositions);
    model.off("change:width", resize);
  };
}

export default { render };
