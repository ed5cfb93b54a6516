// A recording, its spectrogram, and the spectrum of one window that moves over it.

const SHADED = [-55, 20]; // dB, of the darkest and the brightest color
const TICKS = [0, 0.25, 0.5, 1, 2, 4, 8, 16]; // kHz
const DRAFT = 1e5; // numbers that are transformed for a draft
const PAUSE = 150; // ms, after which a draft is completed
const ms = (seconds) => `${fixed(1000 * seconds, 1)}\u00a0ms`;
const shade = (level) => (level - SHADED[0]) / (SHADED[1] - SHADED[0]);

// --------------------------------------------------------------------------- numbers

// The FFT of Stockham (Cochran et al., 1967): the real and imaginary parts of n numbers are
// in the first two of four arrays; returns the two that have the transform.
function fourier([re, im, newRe, newIm], { n, cos, sin }) {
  const half = n / 2;
  for (let m = 1; m < n; m *= 2) {
    for (let j = 0; j < half; j += m) {
      for (let k = j; k < j + m; k++) {
        const x = re[k] - re[k + half];
        const y = im[k] - im[k + half];
        newRe[k + j] = re[k] + re[k + half];
        newIm[k + j] = im[k] + im[k + half];
        newRe[k + j + m] = x * cos[j] + y * sin[j];
        newIm[k + j + m] = y * cos[j] - x * sin[j];
      }
    }
    [re, im, newRe, newIm] = [newRe, newIm, re, im];
  }
  return [re, im];
}

// What depends on the length of the transform and on the bands, triangles that overlap. Bin k
// belongs to band `place[k]`, whose triangle rises there, and to the one before, which falls.
function makePlan({ sr, mel }, n, nMels) {
  const bins = range(n / 2 + 1, (k) => (k * sr) / n);
  const [cos, sin] = [Math.cos, Math.sin].map((f) => bins.map((_, j) => f((2 * Math.PI * j) / n)));
  const centers = mel[nMels] ?? bins;
  const margin = mel[nMels] ? 0 : sr / n; // the triangle of a bin ends at its neighbors
  const ends = [-margin, ...centers, sr / 2 + margin];
  // Mel triangles have the area 1, those of bins the height 1.
  const heights = [0, ...centers.map((_, b) => (2 * (margin || 1)) / (ends[b + 2] - ends[b])), 0];
  const place = bins.map((f) => Math.min(ends.findLastIndex((low) => low <= f), centers.length));
  const shares = place.map((b, k) => clamp((bins[k] - ends[b]) / (ends[b + 1] - ends[b]), 0, 1));
  return {
    n, cos, sin, centers, place, size: centers.length,
    rises: Float64Array.from(shares, (share, k) => share * heights[place[k] + 1]),
    falls: Float64Array.from(shares, (share, k) => (1 - share) * heights[place[k]]),
    empty: centers.filter((_, b) => !bins.some((f) => f > ends[b] && f < ends[b + 2])).length,
  };
}

// Levels in dB of the frames at `starts`, row by row. Two frames share a transform: one is
// its real part, the other its imaginary part.
function levelsAt(starts, plan, samples, length) {
  const { n, size, place, rises, falls } = plan;
  const hann = Float32Array.from({ length }, (_, m) => 0.5 - 0.5 * Math.cos((2 * Math.PI * m) / length));
  const power = new Float64Array((starts.length + 1) * size + 2); // one more, if they are odd
  const parts = range(4, () => new Float64Array(n));
  for (let t = 0; t < starts.length; t += 2) {
    const [one, two] = [starts[t], starts[t + 1] ?? starts[t]];
    for (const part of parts) part.fill(0);
    for (let m = 0; m < length; m++) {
      parts[0][m] = hann[m] * samples[one + m];
      parts[1][m] = hann[m] * samples[two + m];
    }
    const [re, im] = fourier(parts, plan);
    for (let k = 0; k <= n / 2; k++) {
      const mirror = (n - k) & (n - 1);
      for (let i = 0, sign = 1; i < 2; i++, sign = -1) {
        const p = ((re[k] + sign * re[mirror]) ** 2 + (im[k] - sign * im[mirror]) ** 2) / 4;
        const band = 1 + (t + i) * size + place[k];
        power[band] += rises[k] * p;
        power[band - 1] += falls[k] * p;
      }
    }
  }
  return power.subarray(1, 1 + starts.length * size).map((p) => 10 * Math.log10(p));
}

// The spectrogram, and the start of the window that is drawn; a draft has fewer frames.
function spectrogram(data, { window, hop, n_mels: nMels, time }) {
  const { samples, sr } = data;
  const [length, step] = [window, hop].map((seconds) => Math.floor(sr * seconds + 0.5));
  const n = 2 ** Math.ceil(Math.log2(nMels === "all" ? length : 2 * length));
  const plan = keep(data, `plan ${n} ${nMels}`, [], () => makePlan(data, n, nMels));
  const frames = 1 + Math.floor((samples.length - length) / step);
  const stride = step * (performance.now() < data.draftUntil ? Math.ceil((frames * n) / DRAFT) : 1);
  const starts = range(Math.ceil((frames * step) / stride), (t) => t * stride);
  const levels = keep(data, "levels", [plan, length, stride], () => levelsAt(starts, plan, samples, length));
  const start = clamp(Math.round(sr * time - length / 2), 0, samples.length - length);
  return { plan, size: plan.size, length, step, frames, stride, columns: starts.length, levels, start };
}

function analyze(data, values) {
  const { plan, length, step, levels, frames, size } = spectrogram(data, values);
  const floor = values.floor_db;
  const atFloor = keep(data, "floor", [levels, floor], // up to rounding
    () => levels.reduce((n, level) => n + (level <= floor + 1e-3), 0));
  const row = (t) => Array.from(levels.subarray(t * size, (t + 1) * size), (level) => Math.max(level, floor));
  return {
    frames, bands: size,
    time_resolution: Math.max(length / 2, step) / data.sr,
    frequency_resolution: Math.max((2 * data.sr) / length, plan.centers[1] - plan.centers[0]),
    at_floor: atFloor / levels.length,
    skipped: Math.max(0, 1 - length / step),
    empty_bands: plan.empty,
    levels: [0, Math.floor(frames / 2), frames - 1].map(row),
  };
}

// -------------------------------------------------------------------------- pictures

// For each row of pixels, from the top, the first and the last band that it covers.
function rowsOf(plot, { centers }) {
  const borders = centers.slice(1).map((f, b) => (f + centers[b]) / 2000); // kHz
  const edges = range(plot.bottom - plot.top + 1, (r) => plot.y.invert(plot.top + r));
  const bands = edges.map((f) => borders.filter((border) => border < f).length);
  return bands.slice(1).map((first, r) => [first, bands[r]]);
}

// The highest level in a row of pixels; `start` is the place of the frame.
function highest(levels, start, [first, last]) {
  let most = levels[start + first];
  for (let b = first + 1; b <= last; b++) most = Math.max(most, levels[start + b]);
  return most;
}

// The recording, the window, and the next one.
function drawWave({ samples, sr, wave }, plot, { start, length, step }) {
  const [each, top] = [samples.length / wave.length / sr, plot.axisY.domain[1]];
  plot.band([start / sr, (start + length) / sr], { color: "grid" });
  plot.line(range(wave.length, (i) => i * each), wave, { color: "muted", width: 1 });
  const hann = range(65, (i) => top * Math.sin((Math.PI * i) / 64) ** 2);
  const draw = (from, style) => plot.line(hann.map((_, i) => (from + (i * length) / 64) / sr), hann, style);
  draw(start, { color: "orange" });
  draw(start + step, { color: "purple", dash: "dashed" });
}

function drawMap(data, plot, { length, stride, columns, levels, size }, rows, floor) {
  const image = keep(data, "image", [levels, rows, floor], () => paint(rows.length, columns, (r, t) => {
    const level = highest(levels, t * size, rows[r]);
    return level > floor ? shade(level) : NaN;
  }));
  const left = (length - stride) / 2; // a frame is at the center of its window
  const ends = [left / data.sr, (left + stride * columns) / data.sr];
  plot.inside(() => plot.band(ends, { color: "grid" }));
  plot.image(image, ends);
}

function drawSpectrum({ samples }, plot, { plan, length, start }, rows, floor) {
  const levels = levelsAt([start], plan, samples, length);
  const ends = rows.map((row) => highest(levels, 0, row));
  const [low, high] = plot.axisX.domain;
  plot.band([low, floor], { color: "grid" });
  plot.image(paint(rows.length, high - low, (r, x) => (
    low + x >= floor && low + x < ends[r] ? shade(ends[r]) : NaN)));
}

function play({ samples, sr }) {
  const context = new AudioContext();
  const source = context.createBufferSource();
  source.buffer = context.createBuffer(1, samples.length, sr);
  source.buffer.copyToChannel(samples, 0);
  source.connect(context.destination);
  source.onended = () => context.close();
  source.start();
}

export default widget({
  title: "Spectrogram lab",
  compute: analyze,
  readout: (found) => [
    ["frames \u00d7 bands", `${found.frames} \u00d7 ${found.bands}`],
    ["resolution in time", ms(found.time_resolution)],
    ["resolution in frequency", `${fixed(found.frequency_resolution, 0)}\u00a0Hz`],
    ["at the floor", percent(found.at_floor)],
    ["samples in no window", percent(found.skipped)],
    ["empty bands", found.empty_bands],
  ],
  build(lab) {
    const { samples, sr, wave, mel } = lab.data;
    lab.root.classList.add("siamlab-spectrogram");
    lab.button("play the recording", () => play(lab.data));
    lab.slider("window", { label: "window", min: 0.004, max: 0.128, step: 0.0005, text: ms });
    lab.slider("hop", { label: "hop", min: 0.002, max: 0.064, step: 0.001, text: ms });
    const bands = Object.keys(mel).map((n) => [Number(n), `${n} mel bands`]);
    lab.choice("n_mels", { label: "frequencies", options: [...bands, ["all", "all bins"]] });
    lab.controls.addEventListener("input", () => {
      lab.data.draftUntil = performance.now() + PAUSE;
      setTimeout(lab.draw, PAUSE + 20);
    });

    const end = samples.length / sr;
    const x = { label: "time (s)", domain: [0, end] };
    const peak = Number((1.1 * Math.max(1e-3, ...wave.map(Math.abs))).toPrecision(2));
    const top = sr / 2000; // kHz; the axis is close to the mel scale
    const y = { label: "frequency (kHz)", kind: "asinh", domain: [0, top],
      ticks: TICKS.filter((f) => f <= top) };
    const recording = lab.plot({ title: "Drag the window; dashed: the next one", height: 220, x,
      y: { label: "amplitude", domain: [-peak, peak], ticks: [-peak, 0, peak] }, describe: "The recording" });
    lab.pictures.append(lab.numbers); // beside the recording
    const map = lab.plot({ title: "", height: 300,
      describe: "The level over time and frequency", x, y });
    const spectrum = lab.plot({ title: "Spectrum of the window; drag the floor", height: 300,
      describe: "The spectrum and the floor", x: { label: "level (dB)", domain: [-110, 40] }, y });
    for (const plot of [recording, map]) {
      plot.handle({ name: "time", label: "center of the window (s)", min: 0, max: end, step: 0.001,
        get: () => clamp(lab.values.time, lab.values.window / 2, end - lab.values.window / 2) });
    }
    spectrum.handle({ name: "floor_db", label: "floor (dB)", min: -100, max: 20, step: 1 });

    return ({ time_resolution: time, frequency_resolution: frequency }, values) => {
      map.title.textContent = `Blurred by ${ms(time)} and ${fixed(frequency, 0)} Hz; gray: at the floor`;
      const found = spectrogram(lab.data, values);
      const rows = keep(lab.data, `rows of ${found.size}`, [], () => rowsOf(map, found.plan));
      drawWave(lab.data, recording, found);
      drawMap(lab.data, map, found, rows, values.floor_db);
      drawSpectrum(lab.data, spectrum, found, rows, values.floor_db);
    };
  },
});
