// Plays clips in step on canvases. A clip is a sheet of frames in one picture, and
// { frames, columns, seconds (of the environment's own time), speed (at which a person can judge it) }.

const HOLD = 600; // milliseconds that the last frame stays, dimmed, so that the end of a loop is seen
const SLOWEST = 1 / 64;
const FASTEST = 4;

export const still = window.matchMedia("(prefers-reduced-motion: reduce)");

export async function load(path, clip) {
  const image = new Image();
  image.src = path;
  await image.decode();
  return { ...clip, image };
}

export function speedInWords(speed) {
  if (speed === 1) return "normal speed";
  const fractions = { 0.5: "½", 0.25: "¼", 0.125: "⅛" };
  return speed > 1 ? `${speed}× speed` : `${fractions[speed] ?? `1/${1 / speed}`} speed`;
}

export class Player {
  // `onChange` is called when it starts, pauses or changes speed; `timeline` is an element that shows how far a loop is.
  constructor(canvases, { onChange = () => {}, timeline = null } = {}) {
    this.canvases = canvases;
    this.onChange = onChange;
    this.timeline = timeline;
    this.clips = [];
    this.playing = false;
    this.once = false;
    this.speed = 1;
    this.chosenSpeed = null;
    this.position = 0; // milliseconds since the loop began, as shown
    this.tick = this.tick.bind(this);
  }

  // Clips of one pair have the same speed; one the person has chosen is kept.
  show(clips) {
    this.clips = clips;
    this.speed = this.chosenSpeed ?? Math.min(...clips.map((clip) => clip.speed));
    this.canvases.forEach((canvas, index) => {
      const { image, columns, frames } = clips[index];
      canvas.width = image.naturalWidth / columns;
      canvas.height = image.naturalHeight / Math.ceil(frames / columns);
    });
    this.position = 0;
    if (still.matches) this.pause();
    else this.play();
  }

  // With reduced motion wished for, clips play only when asked to, and then once.
  replay() {
    this.position = 0;
    this.play();
  }

  play() {
    this.once = still.matches;
    if (!this.playing) {
      this.playing = true;
      this.last = performance.now();
      requestAnimationFrame(this.tick);
    }
    this.draw();
    this.onChange();
  }

  pause() {
    this.playing = false;
    this.draw();
    this.onChange();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  change(factor) {
    const speed = Math.min(FASTEST, Math.max(SLOWEST, this.speed * factor));
    this.position *= this.speed / speed; // stay at the same frame
    this.speed = this.chosenSpeed = speed;
    this.onChange();
  }

  get length() {
    return (Math.max(...this.clips.map((clip) => clip.seconds)) / this.speed) * 1000;
  }

  tick(now) {
    if (!this.playing) return;
    this.position += Math.max(0, now - this.last); // the first frame may have begun before play() was called
    this.last = now;
    if (this.position >= this.length + HOLD) {
      this.position = 0;
      if (this.once) return void this.pause();
    }
    this.draw();
    requestAnimationFrame(this.tick);
  }

  draw() {
    if (this.clips.length === 0) return;
    const ended = this.position >= this.length;
    this.canvases.forEach((canvas, index) => {
      const { image, columns, frames, seconds } = this.clips[index];
      const frame = Math.min(frames - 1, Math.floor((this.position * this.speed * frames) / (seconds * 1000)));
      const { width, height } = canvas;
      const left = (frame % columns) * width;
      const top = Math.floor(frame / columns) * height;
      canvas.getContext("2d").drawImage(image, left, top, width, height, 0, 0, width, height);
      canvas.classList.toggle("ended", ended);
    });
    if (this.timeline) this.timeline.style.transform = `scaleX(${Math.min(1, this.position / this.length)})`;
  }
}
