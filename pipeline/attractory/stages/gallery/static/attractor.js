"use strict";
// The attractor in three dimensions, which turns under the mouse, a finger or the arrow keys. Where there is no WebGL 2, a picture.
(() => {
  const YAW = 35, PITCH = 20; // degrees: as in the pictures
  const DEGREE = Math.PI / 180;
  const TURNS = 0.12; // radians a second, while it turns by itself
  const TRACED = 24; // seconds for the whole trajectory
  const NEAR = 0.16; // how much larger what is near is drawn
  const COLOURS = {
    light: {
      flow: [[0.09, 0.13, 0.45], [0.32, 0.5, 0.95]],
      map: [[0.0, 0.26, 0.28], [0.1, 0.6, 0.55]],
      delay: [[0.42, 0.05, 0.24], [0.85, 0.4, 0.5]],
      box: [0.45, 0.47, 0.55, 0.35],
      strength: 0.62,
    },
    dark: {
      flow: [[0.3, 0.4, 1.0], [0.42, 0.8, 1.0]],
      map: [[0.12, 0.72, 0.66], [0.7, 1.0, 0.85]],
      delay: [[0.95, 0.32, 0.55], [1.0, 0.78, 0.74]],
      box: [0.6, 0.63, 0.72, 0.3],
      strength: 0.4,
      adds: true,
    },
  };

  const SEEN = `#version 300 es
    precision highp float;
    uniform mat3 turn;
    uniform vec2 size;
    uniform float scale, rise;
    vec3 seen(vec3 point) {
      vec3 p = turn * point;
      float near = 1.0 / (1.0 + ${NEAR} * p.z);
      return vec3((p.xy * near + vec2(0.0, rise)) * scale * 0.5 * min(size.x, size.y), near);
    }
    float haze(float near) { return clamp(0.3 + 4.2 * (near - ${(1 / (1 + 1.4 * NEAR)).toFixed(4)}), 0.3, 1.0); }`;
  // A segment is four corners: `corner` is how far along it and on which side; its width is in pixels, its edges are soft.
  const LINE = `${SEEN}
    uniform float width;
    uniform vec3 circles;
    uniform float fastest;
    in vec2 corner;
    in vec3 start;
    in vec3 end;
    out float side;
    out float speed;
    out float clear;
    void main() {
      vec3 a = seen(start), b = seen(end);
      vec2 along = b.xy - a.xy;
      float length_ = length(along);
      along = length_ > 1e-4 ? along / length_ : vec2(1.0, 0.0);
      side = corner.y * (0.5 * width + 1.0);
      speed = min(distance(start, end) / fastest, 1.0);
      clear = haze(mix(a.z, b.z, corner.x));
      vec2 place = mix(a.xy, b.xy, corner.x) + vec2(-along.y, along.x) * side;
      bool jumps = any(greaterThan(abs(end - start) * circles, vec3(1.0)));
      gl_Position = jumps ? vec4(2.0, 2.0, 2.0, 1.0) : vec4(place / (0.5 * size), 0.0, 1.0);
    }`;
  const LINE_INK = `#version 300 es
    precision highp float;
    uniform float width, strength;
    uniform vec3 slow, fast;
    in float side, speed, clear;
    out vec4 colour;
    void main() {
      float cover = clamp(0.5 * width + 0.5 - abs(side), 0.0, 1.0) * strength * clear;
      colour = vec4(mix(slow, fast, speed) * cover, cover);
    }`;
  const POINT = `${SEEN}
    uniform float width;
    in vec3 start;
    out float clear;
    void main() {
      vec3 a = seen(start);
      clear = haze(a.z);
      gl_PointSize = width + 1.0;
      gl_Position = vec4(a.xy / (0.5 * size), 0.0, 1.0);
    }`;
  const POINT_INK = `#version 300 es
    precision highp float;
    uniform float width, strength;
    uniform vec3 slow, fast;
    in float clear;
    out vec4 colour;
    void main() {
      float away = length(gl_PointCoord - 0.5) * (width + 1.0);
      float cover = clamp(0.5 * width + 0.5 - away, 0.0, 1.0) * strength * clear;
      colour = vec4(mix(slow, fast, clear) * cover, cover);
    }`;

  const decoded = (data) => {
    const text = atob(data.values); // whole numbers of two bytes, little end first
    return data.names.map((_, place) => {
      const column = new Float32Array(data.samples);
      for (let sample = 0, at = 2 * place * data.samples; sample < data.samples; sample++, at += 2)
        column[sample] = (((text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8)) << 16) >> 16) / 32767;
      return column;
    });
  };

  const program = (gl, vertex, fragment) => {
    const made = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(made, shader);
    }
    gl.linkProgram(made);
    if (!gl.getProgramParameter(made, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(made) || "the shaders do not link");
    const places = {};
    for (let index = 0; index < gl.getProgramParameter(made, gl.ACTIVE_UNIFORMS); index++) {
      const name = gl.getActiveUniform(made, index).name;
      places[name] = gl.getUniformLocation(made, name);
    }
    return { made, places };
  };

  // Corners of the segments that numbers in a buffer make: `stride` bytes from one segment's start to the next one's.
  const segments = (gl, program, buffer, stride) => {
    const shape = gl.createVertexArray();
    gl.bindVertexArray(shape);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, -1, 0, 1, 1, -1, 1, 1]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(program.made, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    for (const [name, offset] of [["start", 0], ["end", 12]]) {
      const place = gl.getAttribLocation(program.made, name);
      gl.enableVertexAttribArray(place);
      gl.vertexAttribPointer(place, 3, gl.FLOAT, false, stride, offset);
      gl.vertexAttribDivisor(place, 1);
    }
    return shape;
  };

  const points = (gl, program, buffer) => {
    const shape = gl.createVertexArray();
    gl.bindVertexArray(shape);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    const place = gl.getAttribLocation(program.made, "start");
    gl.enableVertexAttribArray(place);
    gl.vertexAttribPointer(place, 3, gl.FLOAT, false, 12, 0);
    return shape;
  };

  const BOX = [0, 1, 2].flatMap((axis) =>
    [[-1, -1], [-1, 1], [1, -1], [1, 1]].flatMap(([a, b]) =>
      [-1, 1].flatMap((end) => [0, 1, 2].map((place) => (place === axis ? end : place === (axis + 1) % 3 ? a : b))),
    ),
  );
  const SQUARE = [[-1, -1, 1, -1], [1, -1, 1, 1], [1, 1, -1, 1], [-1, 1, -1, -1]].flatMap(([x, z, u, w]) => [x, 0, z, u, 0, w]);

  const short = (value) => {
    const text = Math.abs(value) >= 1e4 || (value !== 0 && Math.abs(value) < 1e-2) ? value.toExponential(1) : String(+value.toPrecision(3));
    return text.replaceAll("-", "−");
  };

  const button = (text, pressed) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    if (pressed !== undefined) made.setAttribute("aria-pressed", String(pressed));
    return made;
  };

  const picture = (stage) => {
    const image = document.createElement("img");
    image.src = stage.dataset.picture;
    image.alt = stage.dataset.label;
    image.className = "ink";
    stage.replaceChildren(image);
  };

  class View {
    constructor(figure, data, gl, canvas) {
      this.data = data;
      this.gl = gl;
      this.canvas = canvas;
      this.stage = figure.querySelector(".stage");
      this.kind = figure.dataset.kind;
      this.columns = decoded(data);
      this.axes = [...data.axes];
      this.isFlat = this.axes.length === 2;
      this.line = program(gl, LINE, LINE_INK);
      this.drawn = data.joined ? this.line : program(gl, POINT, POINT_INK);
      this.buffer = gl.createBuffer();
      this.shape = data.joined ? segments(gl, this.line, this.buffer, 12) : points(gl, this.drawn, this.buffer);
      const box = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, box);
      gl.bufferData(gl.ARRAY_BUFFER, new Float32Array(this.isFlat ? SQUARE : BOX), gl.STATIC_DRAW);
      this.box = segments(gl, this.line, box, 24);
      this.edges = this.isFlat ? 4 : 12;
      this.labels = this.axes.map(() => {
        const label = document.createElement("span");
        label.className = "label";
        label.setAttribute("aria-hidden", "true");
        this.stage.append(label);
        return label;
      });
      this.shown = data.samples;
      this.place();
      this.reset();
    }

    // The chosen coordinates to where the graphics have them; of two, the second is upwards.
    place() {
      const { gl, data } = this;
      const [x, second, third] = this.axes.map((axis) => this.columns[axis]);
      const chosen = this.isFlat ? [x, null, second] : [x, second, third];
      const numbers = new Float32Array(3 * data.samples);
      chosen.forEach((column, offset) => column?.forEach((value, sample) => (numbers[3 * sample + offset] = value)));
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffer);
      gl.bufferData(gl.ARRAY_BUFFER, numbers, gl.STATIC_DRAW);
      this.numbers = numbers;
      const round = this.axes.map((axis) => (data.circles[axis] ? 1 : 0));
      this.circles = this.isFlat ? [round[0], 0, round[1]] : round;
      const lengths = new Float32Array(data.samples - 1);
      for (let at = 3; at < numbers.length; at += 3) {
        const [x_, y_, z_] = [numbers[at] - numbers[at - 3], numbers[at + 1] - numbers[at - 2], numbers[at + 2] - numbers[at - 1]];
        lengths[at / 3 - 1] = Math.sqrt(x_ * x_ + y_ * y_ + z_ * z_);
      }
      lengths.sort();
      this.fastest = lengths[Math.floor(0.95 * lengths.length)] || 1;
      this.labels.forEach((label, place) => {
        const axis = this.axes[place];
        const range = document.createElement("small");
        range.textContent = `${short(data.low[axis])} … ${short(data.high[axis])}`;
        label.replaceChildren(data.names[axis], range);
      });
    }

    reset() {
      this.yaw = this.isFlat ? 0 : YAW * DEGREE;
      this.pitch = this.isFlat ? 0 : PITCH * DEGREE;
      this.zoom = 1;
      this.fit();
      this.draw();
    }

    // As large as the first view allows; a flat box leaves room for names.
    fit() {
      const turn = this.turn();
      let most = 0.6;
      for (let at = 0; at < this.numbers.length; at += 12) {
        const [across, up] = this.seen(turn, this.numbers.subarray(at, at + 3)); // each fourth sample shows as much
        most = Math.max(most, Math.abs(across) / this.wide(), Math.abs(up));
      }
      const corners = [];
      for (let at = 0; at < BOX.length; at += 3) corners.push(this.seen(turn, BOX.slice(at, at + 3))[1]);
      const [low, high] = [Math.min(...corners), Math.max(...corners)];
      this.rise = this.isFlat ? 0 : -(low + high) / 2; // near corners reach further down than far ones reach up
      this.size = this.isFlat ? 0.86 : Math.min(0.92 / most, 1.94 / (high - low));
    }

    wide() {
      return Math.max(this.canvas.clientWidth / Math.max(this.canvas.clientHeight, 1), 1);
    }

    turn() {
      const [c, s, u, v] = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
      return [c, -s * v, -s * u, s, c * v, c * u, 0, u, -v];
    }

    seen(turn, [x, y, z]) {
      const near = 1 / (1 + NEAR * (turn[2] * x + turn[5] * y + turn[8] * z));
      return [(turn[0] * x + turn[3] * y + turn[6] * z) * near, (turn[1] * x + turn[4] * y + turn[7] * z) * near];
    }

    draw() {
      if (this.waits) return;
      this.waits = true;
      requestAnimationFrame(() => {
        this.waits = false;
        this.paint();
      });
    }

    paint() {
      const { gl, canvas } = this;
      const dense = Math.min(window.devicePixelRatio || 1, 2);
      const [width, height] = [Math.round(canvas.clientWidth * dense), Math.round(canvas.clientHeight * dense)];
      if (!width || !height) return;
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
      const colours = COLOURS[window.attractoryIsDark() ? "dark" : "light"];
      const [slow, fast] = colours[this.kind] ?? colours.flow;
      const turn = this.turn();
      gl.viewport(0, 0, width, height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, colours.adds && this.data.joined ? gl.ONE : gl.ONE_MINUS_SRC_ALPHA); // on dark, light adds up
      const set = ({ made, places }, ink) => {
        gl.useProgram(made);
        gl.uniformMatrix3fv(places.turn, false, turn);
        gl.uniform2f(places.size, width, height);
        gl.uniform1f(places.scale, this.size * this.zoom);
        gl.uniform1f(places.rise, this.rise);
        gl.uniform1f(places.width, ink.width * dense);
        gl.uniform1f(places.strength, ink.strength);
        gl.uniform3fv(places.slow, ink.slow);
        gl.uniform3fv(places.fast, ink.fast);
        if (places.circles) gl.uniform3fv(places.circles, ink.circles);
        if (places.fastest) gl.uniform1f(places.fastest, this.fastest);
      };
      const [red, green, blue, strength] = colours.box;
      const grey = [red, green, blue];
      set(this.line, { width: 1, strength, slow: grey, fast: grey, circles: [0, 0, 0] });
      gl.bindVertexArray(this.box);
      gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, this.edges);
      const breadth = this.data.joined ? 1.25 : this.data.sparse ? 7 : 1.6;
      set(this.drawn, { width: breadth, strength: this.data.joined ? colours.strength : 0.7, slow, fast, circles: this.circles });
      gl.bindVertexArray(this.shape);
      if (this.data.joined) gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, Math.max(this.shown - 1, 0));
      else gl.drawArrays(gl.POINTS, 0, this.shown);
      this.name(turn);
    }

    // The names of the axes, outside the edge of the box that each runs along.
    name(turn) {
      const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
      const scale = (this.size * this.zoom * Math.min(width, height)) / 2;
      const ends = this.isFlat
        ? [[0, 0, -1.09], [-1.03, 0, 0]]
        : [[0, -1.18, -1.12], [1.18, 0, -1.12], [-1.16, -1.16, 0]];
      this.labels.forEach((label, place) => {
        const [across, up] = this.seen(turn, ends[place]);
        label.classList.toggle("short", this.isFlat && place === 1 && width < 480); // no room beside the square
        const [half, tall] = [label.offsetWidth / 2, label.offsetHeight / 2];
        const beside = this.isFlat && place === 1 ? half : 0;
        const x = Math.min(Math.max(width / 2 + across * scale - beside, half + 8), width - half - 8);
        const y = Math.min(Math.max(height / 2 - (up + this.rise) * scale, tall + 4), height - tall - 4);
        label.style.transform = `translate(${(x - half).toFixed(1)}px, ${(y - tall).toFixed(1)}px)`;
      });
    }

    move(right, down) {
      this.yaw -= right;
      this.pitch = Math.min(Math.max(this.pitch + down, -Math.PI / 2), Math.PI / 2);
      this.draw();
    }

    grow(factor) {
      this.zoom = Math.min(Math.max(this.zoom * factor, 0.4), 12);
      this.draw();
    }
  }

  // What goes on by itself: turning, and tracing the trajectory from its start. Nothing does while nobody sees it.
  const animate = (view, state) => {
    let before = null;
    const step = (now) => {
      const seconds = before === null ? 0 : Math.min((now - before) / 1000, 0.1);
      before = now;
      if (!state.visible || document.hidden || !(state.turns || state.traces)) {
        before = null;
        state.runs = false;
        return;
      }
      if (state.turns) view.yaw += TURNS * seconds;
      if (state.traces) {
        view.shown = Math.min(view.shown + Math.max(1, Math.round((view.data.samples * seconds) / TRACED)), view.data.samples);
        if (view.shown >= view.data.samples) state.trace(false);
      }
      view.paint();
      requestAnimationFrame(step);
    };
    return () => {
      if (state.runs) return;
      state.runs = true;
      requestAnimationFrame(step);
    };
  };

  const listen = (view, state) => {
    const { canvas } = view;
    const fingers = new Map();
    const apart = () => {
      const [a, b] = [...fingers.values()];
      return Math.hypot(a.x - b.x, a.y - b.y);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      state.turn(false);
    });
    canvas.addEventListener("pointermove", (event) => {
      const finger = fingers.get(event.pointerId);
      if (!finger) return;
      const before = fingers.size === 2 ? apart() : 0;
      if (fingers.size === 1) view.move((event.clientX - finger.x) * 0.009, (event.clientY - finger.y) * 0.009);
      [finger.x, finger.y] = [event.clientX, event.clientY];
      if (before) view.grow(apart() / before);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
      canvas.addEventListener(name, (event) => fingers.delete(event.pointerId));
    canvas.addEventListener(
      "wheel",
      (event) => {
        if (document.activeElement !== canvas) return; // the page scrolls
        event.preventDefault();
        view.grow(Math.exp(-event.deltaY * 0.0015));
      },
      { passive: false },
    );
    const keys = {
      ArrowLeft: () => view.move(-0.08, 0),
      ArrowRight: () => view.move(0.08, 0),
      ArrowUp: () => view.move(0, -0.08),
      ArrowDown: () => view.move(0, 0.08),
      "+": () => view.grow(1.15),
      "=": () => view.grow(1.15),
      "-": () => view.grow(1 / 1.15),
      0: () => view.reset(),
      Home: () => view.reset(),
      " ": () => state.turn(!state.turns),
    };
    canvas.addEventListener("keydown", (event) => {
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      if (event.key !== " ") state.turn(false);
      act();
    });
  };

  const control = (view, state, controls) => {
    const turning = button("Turn", state.turns);
    const tracing = button("Trace", false);
    const reset = button("Reset");
    state.turn = (on) => {
      state.turns = on;
      turning.setAttribute("aria-pressed", String(on));
      if (on) state.run();
    };
    state.trace = (on) => {
      state.traces = on;
      view.shown = on ? 0 : view.data.samples;
      tracing.setAttribute("aria-pressed", String(on));
      if (on) state.run();
      else view.draw();
    };
    turning.addEventListener("click", () => state.turn(!state.turns));
    tracing.addEventListener("click", () => state.trace(!state.traces));
    reset.addEventListener("click", () => {
      state.turn(false);
      view.reset();
    });
    controls.append(turning, tracing, reset);
    if (view.data.names.length > view.axes.length) controls.append(...choices(view));
    controls.hidden = false;
  };

  // Which coordinates are shown, where there are more than fit.
  const choices = (view) =>
    view.axes.map((axis, place) => {
      const select = document.createElement("select");
      select.setAttribute("aria-label", `axis ${place + 1}`);
      view.data.names.forEach((name, index) => select.add(new Option(name, index, index === axis, index === axis)));
      select.addEventListener("change", () => {
        view.axes[place] = Number(select.value);
        view.place();
        view.fit();
        view.draw();
      });
      return select;
    });

  window.attractoryDraw = (figure, data) => {
    const stage = figure.querySelector(".stage");
    const canvas = document.createElement("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${stage.dataset.label}. Arrow keys turn it, plus and minus change its size, 0 puts it back.`);
    const gl = canvas.getContext("webgl2", { alpha: true, antialias: false, premultipliedAlpha: true, preserveDrawingBuffer: true });
    if (!gl) return picture(stage);
    stage.replaceChildren(canvas);
    let view;
    try {
      view = new View(figure, data, gl, canvas);
    } catch (error) {
      console.warn("no WebGL, a picture instead:", error);
      return picture(stage);
    }
    const controls = figure.querySelector(".controls");
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const state = { turns: !still && !view.isFlat, traces: false, visible: false, runs: false };
    state.run = animate(view, state);
    control(view, state, controls);
    listen(view, state);
    canvas.addEventListener("webglcontextlost", () => {
      state.visible = false;
      controls.hidden = true;
      picture(stage);
    });
    new ResizeObserver(() => {
      view.fit();
      view.paint();
    }).observe(canvas);
    new IntersectionObserver(([entry]) => {
      state.visible = entry.isIntersecting;
      state.run();
    }).observe(canvas);
    document.addEventListener("visibilitychange", state.run);
    document.addEventListener("themechange", () => view.draw());
  };
})();
