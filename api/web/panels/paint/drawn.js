// Styles that are drawn here, so that they weigh nothing.

const SIDE = 256; // what the networks look at

/** Return the drawn styles: a name and a function that draws the picture. */
export const DRAWN = [
  { id: "night", draw: (pen) => strokes(pen, { hues: [222, 205, 235], light: [18, 62], bright: 46, swirls: 4 }) },
  { id: "mosaic", draw: mosaic },
  { id: "ink", draw: ink },
  { id: "meadow", draw: (pen) => strokes(pen, { hues: [95, 70, 150], light: [22, 66], bright: 330, swirls: 2 }) },
  { id: "dots", draw: dots },
  { id: "woodcut", draw: woodcut },
];

/** Return a canvas with a drawn style. */
export function drawing(style) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  style.draw(new Pen(canvas.getContext("2d"), style.id));
  return canvas;
}

/** A context with random numbers that are the same each time. */
class Pen {
  constructor(context, name) {
    this.on = context;
    this.state = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  }

  random(from = 0, to = 1) {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let x = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return from + (((x ^ (x >>> 14)) >>> 0) / 4294967296) * (to - from);
  }

  pick(list) {
    return list[Math.floor(this.random(0, list.length))];
  }

  fill(color) {
    this.on.fillStyle = color;
    this.on.fillRect(0, 0, SIDE, SIDE);
  }

  line(points, color, width) {
    const { on } = this;
    on.strokeStyle = color;
    on.lineWidth = width;
    on.lineCap = "round";
    on.beginPath();
    for (const [x, y] of points) on.lineTo(x, y);
    on.stroke();
  }
}

const hsl = (hue, saturation, light) => `hsl(${hue} ${saturation}% ${light}%)`;

/** Short strokes along a field of swirls, as oil paint has them. */
function strokes(pen, { hues, light, bright, swirls }) {
  pen.fill(hsl(hues[0], 60, light[0]));
  const centers = Array.from({ length: swirls }, () => ({ x: pen.random(30, 226), y: pen.random(20, 190), turn: pen.random(0.7, 1.2), size: pen.random(20, 34) }));
  for (let n = 0; n < 3600; n += 1) {
    const start = [pen.random(-5, 261), pen.random(-5, 261)];
    const near = centers.find(({ x, y, size }) => Math.hypot(start[0] - x, start[1] - y) < size);
    const color = near ? hsl(bright + pen.random(-14, 14), 90, pen.random(45, 72)) : hsl(pen.pick(hues) + pen.random(-9, 9), pen.random(45, 85), pen.random(...light));
    pen.line(along(start, centers), color, pen.random(1.6, 3.4));
  }
}

function along([x, y], centers) {
  const points = [[x, y]];
  for (let step = 0; step < 6; step += 1) {
    let [dx, dy] = [1, 0.35 * Math.sin(x / 38 + y / 60)];
    for (const center of centers) {
      const [ax, ay] = [x - center.x, y - center.y];
      const pull = center.turn * Math.exp(-(ax * ax + ay * ay) / 2600) * 3;
      const far = Math.hypot(ax, ay) + 1;
      [dx, dy] = [dx - (ay / far) * pull, dy + (ax / far) * pull];
    }
    const length = Math.hypot(dx, dy);
    [x, y] = [x + (dx / length) * 2.4, y + (dy / length) * 2.4];
    points.push([x, y]);
  }
  return points;
}

/** Pieces of colored glass between dark lines. */
function mosaic(pen) {
  pen.fill("#20160f");
  const step = 16;
  const knot = (i, j) => [i * step + ((i * 37 + j * 91) % 11) - 5, j * step + ((i * 53 + j * 17) % 11) - 5];
  for (let i = -1; i <= SIDE / step; i += 1)
    for (let j = -1; j <= SIDE / step; j += 1) {
      const ring = Math.floor(Math.hypot(i - 8, j - 8) / 2.2);
      const hue = [12, 40, 195, 350, 165][ring % 5] + pen.random(-12, 12);
      pen.on.fillStyle = hsl(hue, pen.random(55, 90), pen.random(38, 66));
      pen.on.beginPath();
      for (const [a, b] of [[0, 0], [1, 0], [1, 1], [0, 1]]) pen.on.lineTo(...knot(i + a, j + b).map((at) => at + (a || b ? -1 : 1)));
      pen.on.fill();
    }
}

/** Wet ink on paper: washes, then lines. */
function ink(pen) {
  pen.fill("#efe8da");
  for (let n = 0; n < 42; n += 1) {
    const y = pen.random(30, 250);
    pen.on.globalAlpha = pen.random(0.04, 0.16);
    pen.line(ridge(pen, y, 20), "#1d2733", pen.random(10, 40));
  }
  for (let n = 0; n < 60; n += 1) {
    pen.on.globalAlpha = pen.random(0.3, 0.9);
    pen.line(ridge(pen, pen.random(20, 250), pen.random(4, 14)).slice(n % 9, 8 + (n % 12)), "#10151c", pen.random(0.6, 3));
  }
  pen.on.globalAlpha = 1;
}

function ridge(pen, y, height) {
  const [phase, wave] = [pen.random(0, 6), pen.random(18, 46)];
  return Array.from({ length: 24 }, (_, i) => [i * 12 - 10, y + height * Math.sin(i / (wave / 12) + phase) + pen.random(-3, 3)]);
}

/** Points of pure color, that mix in the eye. */
function dots(pen) {
  pen.fill("#f3ead2");
  for (let n = 0; n < 7000; n += 1) {
    const [x, y] = [pen.random(0, SIDE), pen.random(0, SIDE)];
    const water = y > 120 + 22 * Math.sin(x / 50);
    const hue = pen.random() < 0.2 ? 28 : water ? pen.pick([190, 210, 265]) : pen.pick([48, 16, 330]);
    pen.on.fillStyle = hsl(hue + pen.random(-10, 10), 85, pen.random(45, 72));
    pen.on.beginPath();
    pen.on.arc(x, y, pen.random(1.2, 2.8), 0, 7);
    pen.on.fill();
  }
}

/** Carved lines in two colors. */
function woodcut(pen) {
  pen.fill("#f2e3c6");
  for (let row = 0; row < 46; row += 1) {
    const y = row * 5.8;
    const points = Array.from({ length: 34 }, (_, i) => [i * 8 - 4, y + 11 * Math.sin(i / 5 + row / 7) * Math.cos(row / 9)]);
    for (const [i, point] of points.slice(1).entries())
      pen.line([points[i], point], row % 9 > 5 ? "#a8321e" : "#22201d", 1 + 3.2 * Math.abs(Math.sin(i / 4 + row / 5)) + pen.random(0, 0.7));
  }
}
