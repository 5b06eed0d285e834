"use strict";
// Everything that the page shows follows from `state`: what the controls say, and the epoch of the slider.

const contents = JSON.parse(document.getElementById("contents").textContent);
const MISSING = 65535;
const QUANTITIES = { i_xt: "I(X;T)", i_ty: "I(T;Y)" };
const SYMBOLS = [
  d3.symbolCircle, d3.symbolSquare, d3.symbolTriangle, d3.symbolDiamond,
  d3.symbolWye, d3.symbolCross, d3.symbolStar, d3.symbolDiamond2,
];
const SECONDS = 8; // that playing takes from the first epoch to the last
const NEAR = 24; // pixels within which a point is meant
const MARGIN = { top: 14, right: 16, bottom: 40, left: 52 };

const byId = (id) => document.getElementById(id);
const within = (value, [low, high]) => low <= value && value <= high;
const narrow = d3.format(".2f");
const fine = d3.format(".4f");

// ---- Data -----------------------------------------------------------------------------------------------------

const decoded = new Map();

/** The numbers of a packed array; see contents.py. */
function numbers(pack) {
  if (!decoded.has(pack)) {
    const text = atob(pack.codes);
    const values = new Float64Array(text.length / 2);
    for (let place = 0; place < values.length; place++) {
      const code = text.charCodeAt(2 * place) + 256 * text.charCodeAt(2 * place + 1);
      values[place] = code === MISSING ? NaN : pack.from + pack.step * code;
    }
    decoded.set(pack, values);
  }
  return decoded.get(pack);
}

/** The place of the recorded epoch that is nearest to one, on a logarithmic scale. */
function nearest(passes, wanted) {
  const place = d3.bisectCenter(passes.map((each) => Math.log1p(each)), Math.log1p(wanted));
  return Math.max(place, 0);
}

const state = {
  sides: [],
  passes: [0], // places of the slider: the epochs of both sides
  place: 0,
  hidden: new Set(), // layers
  followed: null, // repetition
};

const now = () => state.passes[state.place];
const shown = (layer) => !state.hidden.has(layer);
const checked = (id) => byId(id).checked;
const colourOf = (layer) => `layer-${(layer - 1) % SYMBOLS.length}`;
const symbolOf = (layer, size) => {
  const place = layer - 1;
  return d3.symbol(SYMBOLS[(place + Math.floor(place / SYMBOLS.length)) % SYMBOLS.length], size)();
};

// ---- One side: a plane, curves and numbers of one experiment ---------------------------------------------------

class Side {
  constructor(number, view) {
    this.number = number;
    this.view = view;
    this.part = "main" in view.parts ? "main" : Object.keys(view.parts)[0];
    this.root = d3.select("#sides").append("section").attr("class", "side").attr("id", `side-${number}`);
    this.root.append("h2").text(`Side ${number + 1}`);
    const menus = this.root.append("div").attr("class", "menus");
    this.menus = Object.fromEntries(
      [["experiment", "Experiment"], ["estimator", "Estimator"], ["part", "Part"], ["run", "Run"]].map(([name, text]) => {
        const label = menus.append("label").text(text);
        const menu = label.append("select").attr("name", `${name}-${number}`);
        menu.on("change", () => this.choose(name, menu.property("value")));
        return [name, menu];
      })
    );
    const about = this.root.append("p").attr("class", "runs");
    this.whole = about.append("span").attr("class", "whole"); // what menus cut off on a phone
    this.about = about.append("span");
    this.charts = {};
    for (const [name, text] of [["plane", "Information plane"], ["i_xt", "I(X;T)"], ["i_ty", "I(T;Y)"], ["accuracy", "Accuracy"]]) {
      const heading = this.root.append("h3").text(text);
      if (name === "accuracy") {
        const key = this.root.append("div").attr("class", "key");
        key.append("span").html('<i class="train"></i>training');
        key.append("span").html('<i class="test"></i>test');
      }
      const svg = this.root.append("svg").attr("class", `chart ${name}`).attr("role", "img");
      this.charts[name] = { svg, heading };
    }
    const table = this.root.append("div").attr("class", "numbers").append("table");
    this.caption = table.append("caption");
    const head = table.append("thead").append("tr");
    for (const text of ["Layer", "I(X;T), bits", "I(T;Y), bits"]) head.append("th").attr("scope", "col").text(text);
    this.body = table.append("tbody");
    this.accuracy = this.root.append("p").attr("class", "accuracies");
  }

  get experiment() { return contents.experiments[this.view.experiment]; }
  get data() { return this.view.parts[this.part]; }
  get accuracies() { return this.experiment.accuracy[this.part]; }
  get trained() { return Math.max(this.experiment.trained[this.part], ...this.data.passes); }
  get layers() { return this.data ? this.data.layers : []; }
  nameOf(layer) { return this.data.names ? this.data.names[layer] : `T${this.layers[layer]}`; }
  get place() { return nearest(this.data.passes, now()); }
  get epoch() { return this.data.passes[this.place]; }

  /** A menu says something else. */
  choose(name, value) {
    const views = contents.views;
    if (name === "experiment") {
      this.view =
        views.find((each) => each.experiment === value && each.estimator === this.view.estimator) ||
        views.find((each) => each.experiment === value);
    } else if (name === "estimator") {
      this.view = views.find((each) => each.experiment === this.view.experiment && each.estimator === value);
    } else if (name === "part") {
      this.part = value;
    } else {
      state.followed = value === "" ? null : Number(value);
      state.sides.forEach((side) => side.fillMenus());
      update();
      return;
    }
    if (!(this.part in this.view.parts)) this.part = Object.keys(this.view.parts)[0];
    restart();
  }

  fillMenus() {
    const fill = (menu, choices, value) => {
      menu.selectAll("option").data(choices).join("option").attr("value", (each) => each[0]).text((each) => each[1]);
      menu.property("value", value).property("disabled", choices.length < 2);
    };
    const estimators = contents.views.filter((each) => each.experiment === this.view.experiment);
    const names = [...new Set(contents.views.map((each) => each.experiment))];
    fill(this.menus.experiment, names.map((name) => [name, contents.experiments[name].label]), this.view.experiment);
    fill(this.menus.estimator, estimators.map((each) => [each.estimator, each.label]), this.view.estimator);
    const parts = { main: "main", prefit: "prefit on shuffled labels" };
    fill(this.menus.part, Object.keys(this.view.parts).map((part) => [part, parts[part]]), this.part);
    const followed = this.experiment.repetitions.includes(state.followed) ? state.followed : "";
    fill(this.menus.run, [["", "none"], ...this.experiment.repetitions.map((each) => [each, each])], followed);
    this.whole.text(`${this.experiment.label}, ${this.view.label}. `);
    this.about.text(this.data ? this.experiment.runs : `${this.experiment.runs}: there is nothing to show`);
  }

  /** A value of the mean, or of a quantile, in one layer. */
  value(quantity, kind, epoch, layer) {
    return numbers(this.data[quantity][kind])[epoch * this.layers.length + layer];
  }

  /** A value of one run, given by its place among the runs. */
  ofRun(quantity, run, epoch, layer) {
    const { layers, passes } = this.data;
    return numbers(this.data[quantity].runs)[(run * passes.length + epoch) * layers.length + layer];
  }

  /** An accuracy after so many epochs; NaN where there is none, as before the first. */
  accuracyAt(quantity, passes, kind, run = 0) {
    const its = this.accuracies;
    const place = its ? its.passes.indexOf(passes) : -1;
    return place < 0 ? NaN : numbers(its[quantity][kind])[run * its.passes.length + place];
  }

  /** Draw all that does not depend on the slider. */
  draw() {
    for (const chart of Object.values(this.charts)) chart.svg.selectAll("*").remove();
    if (!this.data) return this.clear();
    const width = Math.max(this.root.node().clientWidth, 240);
    this.time = d3.scaleSymlog().domain([0, this.trained]).range([MARGIN.left, width - MARGIN.right]);
    this.drawPlane(width);
    for (const quantity of Object.keys(QUANTITIES)) this.drawCurves(quantity, width);
    this.drawAccuracy(width);
  }

  /** Tell nothing of what was shown before, where there is nothing to show. */
  clear() {
    [this.heads, this.dots] = [[], []];
    this.body.selectAll("tr").remove();
    for (const text of [this.caption, this.accuracy]) text.text("");
    for (const chart of Object.values(this.charts)) chart.svg.attr("aria-label", `Nothing to show of ${this.experiment.label}`);
  }

  /** An empty chart with its axes. */
  frame(name, width, height, x, y, ticks, texts) {
    const { svg } = this.charts[name];
    svg.attr("viewBox", `0 0 ${width} ${height}`).attr("height", height);
    const axis = d3.axisBottom(x).tickSizeOuter(0);
    if (ticks) axis.tickValues(ticks).tickFormat(d3.format("~d"));
    else axis.ticks(6);
    svg.append("g").attr("class", "axis").attr("transform", `translate(0,${height - MARGIN.bottom})`).call(axis);
    svg.append("g").attr("class", "axis").attr("transform", `translate(${MARGIN.left},0)`).call(d3.axisLeft(y).ticks(5).tickSizeOuter(0));
    svg.append("text").attr("x", (MARGIN.left + width - MARGIN.right) / 2).attr("y", height - 6).attr("text-anchor", "middle").text(texts[0]);
    svg.append("text").attr("transform", `translate(13,${(height - MARGIN.bottom) / 2}) rotate(-90)`).attr("text-anchor", "middle").text(texts[1]);
    return svg;
  }

  /** Ranges of the plane: all that there can be with its data set, or what the layers shown need. */
  ranges() {
    const alike = state.sides.filter((side) => side.experiment.dataset === this.experiment.dataset);
    const whole = [[-0.03, 1.05], [-0.03, 1.1]].map((ends, axis) => {
      const most = d3.max(alike, (side) => (axis ? side.experiment.h_y : side.experiment.h_x));
      return ends.map((end) => end * most);
    });
    return checked("zoom") ? Object.keys(QUANTITIES).map((quantity, axis) => this.needed(quantity) || whole[axis]) : whole;
  }

  /** The range of the means, and of the quantiles if they are shown; runs far from all others may lie outside. */
  needed(quantity) {
    const kinds = checked("show-band") || !checked("show-mean") ? ["mean", "low", "high"] : ["mean"];
    const values = kinds.flatMap((kind) =>
      [...numbers(this.data[quantity][kind])].filter((value, place) => shown(this.layers[place % this.layers.length])));
    const [low, high] = d3.extent(values);
    if (low === undefined) return null;
    const room = Math.max(0.05 * (high - low), 0.002);
    return [low - room, high + room];
  }

  drawPlane(width) {
    const height = Math.round(Math.min(Math.max(0.75 * width, 260), 460));
    const [rangeX, rangeY] = this.ranges();
    this.x = d3.scaleLinear(rangeX, [MARGIN.left, width - MARGIN.right]);
    this.y = d3.scaleLinear(rangeY, [height - MARGIN.bottom, MARGIN.top]);
    const first = this.data.entropy ? "H(T) = I(X;T)  [bits]" : "I(X;T)  [bits]";
    const svg = this.frame("plane", width, height, this.x, this.y, null, [first, "I(T;Y)  [bits]"]);
    const clip = `clip-${this.number}`;
    svg.append("clipPath").attr("id", clip).append("rect").attr("x", MARGIN.left).attr("y", 0)
      .attr("width", width - MARGIN.left).attr("height", height - MARGIN.bottom);
    const inside = svg.append("g").attr("clip-path", `url(#${clip})`);
    const [h_x, h_y] = [this.x(this.experiment.h_x), this.y(this.experiment.h_y)];
    inside.append("line").attr("class", "bound").attr("x1", h_x).attr("x2", h_x).attr("y1", 0).attr("y2", height);
    inside.append("line").attr("class", "bound").attr("x1", 0).attr("x2", width).attr("y1", h_y).attr("y2", h_y);
    inside.append("text").attr("class", "bound-name").attr("x", MARGIN.left + 4).attr("y", h_y + 13).text("H(Y)");
    inside.append("text").attr("class", "bound-name").attr("x", h_x - 4).attr("y", height - MARGIN.bottom - 5).attr("text-anchor", "end").text("H(X)");
    for (const name of ["paths", "trails", "joined", "dots", "crosses", "means", "followed"]) {
      inside.append("g").attr("class", name);
    }
    const line = this.line();
    inside.select(".paths").selectAll("path").data(this.indices()).join("path")
      .attr("class", (layer) => `path ${colourOf(this.layers[layer])}`)
      .attr("d", (layer) => line(d3.range(this.data.passes.length).map((epoch) => this.mean(epoch, layer))))
      .style("display", checked("show-mean") ? null : "none");
    svg.on("pointermove pointerdown", (event) => this.point(event))
      .on("pointerleave", (event) => { if (event.pointerType !== "touch") leave(); }) // a finger leaves as it lifts
      .on("pointercancel", leave) // it scrolls the page
      .on("click", (event) => this.follow(event));
  }

  line() {
    return d3.line((point) => this.x(point[0]), (point) => this.y(point[1])).defined((point) => !isNaN(point[0]) && !isNaN(point[1]));
  }

  mean(epoch, layer) { return Object.keys(QUANTITIES).map((quantity) => this.value(quantity, "mean", epoch, layer)); }
  run(run, epoch, layer) { return Object.keys(QUANTITIES).map((quantity) => this.ofRun(quantity, run, epoch, layer)); }
  indices() { return d3.range(this.layers.length).filter((layer) => shown(this.layers[layer])); }

  /** Those of the study's figures: powers of ten, and the last epoch. */
  ticks() {
    const last = this.trained;
    const powers = d3.range(0, Math.floor(Math.log10(Math.max(last, 1))) + 1).map((power) => 10 ** power);
    return [0, ...powers.filter((power) => Math.max(2.5, 0.7 * String(power).length) * power < last), last];
  }

  drawCurves(quantity, width) {
    const height = 190;
    const axis = quantity === "i_xt" ? 0 : 1;
    const y = d3.scaleLinear(this.ranges()[axis], [height - MARGIN.bottom, MARGIN.top]);
    const svg = this.frame(quantity, width, height, this.time, y, this.ticks(), ["epochs trained", `${QUANTITIES[quantity]}  [bits]`]);
    const epochs = d3.range(this.data.passes.length);
    const x = (epoch) => this.time(this.data.passes[epoch]);
    const clip = `clip-${this.number}-${quantity}`;
    svg.append("clipPath").attr("id", clip).append("rect").attr("x", 0).attr("y", MARGIN.top - 6)
      .attr("width", width).attr("height", height - MARGIN.bottom - MARGIN.top + 6);
    const inside = svg.append("g").attr("clip-path", `url(#${clip})`);
    for (const layer of this.indices()) {
      const colour = colourOf(this.layers[layer]);
      const known = (epoch) => !isNaN(this.value(quantity, "mean", epoch, layer));
      const at = (kind) => (epoch) => y(this.value(quantity, kind, epoch, layer));
      if (checked("show-band")) {
        inside.append("path").attr("class", `band ${colour}`).attr("d", d3.area(x, at("low"), at("high")).defined(known)(epochs));
      }
      if (checked("show-mean")) {
        inside.append("path").attr("class", `curve ${colour}`).attr("d", d3.line(x, at("mean")).defined(known)(epochs));
      }
    }
    inside.append("g").attr("class", "followed");
    this.charts[quantity].y = y;
    this.mark(svg, height);
  }

  drawAccuracy(width) {
    const height = 170;
    const y = d3.scaleLinear([0, 1.02], [height - MARGIN.bottom, MARGIN.top]);
    const svg = this.frame("accuracy", width, height, this.time, y, this.ticks(), ["epochs trained", "accuracy"]);
    const its = this.accuracies;
    for (const [quantity, name] of [["train_accuracy", "train"], ["test_accuracy", "test"]]) {
      const values = Object.fromEntries(["mean", "low", "high"].map((kind) => [kind, numbers(its[quantity][kind])]));
      const places = d3.range(its.passes.length).filter((place) => its.passes[place] <= this.trained);
      const x = (place) => this.time(its.passes[place]);
      const at = (kind) => (place) => y(values[kind][place]);
      const known = (place) => !isNaN(values.mean[place]);
      if (checked("show-band")) svg.append("path").attr("class", `band ${name}`).attr("d", d3.area(x, at("low"), at("high")).defined(known)(places));
      if (checked("show-mean")) svg.append("path").attr("class", `curve ${name}`).attr("d", d3.line(x, at("mean")).defined(known)(places));
    }
    svg.append("g").attr("class", "followed");
    this.charts.accuracy.y = y;
    this.mark(svg, height);
  }

  /** The line that the slider moves, and a click that moves the slider. */
  mark(svg, height) {
    svg.append("line").attr("class", "now").attr("y1", MARGIN.top).attr("y2", height - MARGIN.bottom);
    svg.on("click", (event) => {
      pause();
      go(nearest(state.passes, this.time.invert(d3.pointer(event)[0])));
    });
    svg.style("cursor", "pointer");
  }

  /** Draw what the slider moves. */
  update() {
    if (!this.data) return;
    const epoch = this.place;
    const plane = this.charts.plane.svg;
    const layers = this.indices();
    const line = this.line();
    const place = (point) => `translate(${this.x(point[0])},${this.y(point[1])})`;
    const finite = (point) => !isNaN(point[0]) && !isNaN(point[1]);
    const runs = checked("show-runs") ? d3.range(this.experiment.repetitions.length) : [];
    this.dots = runs.flatMap((run) => layers.map((layer) => ({ run, layer, at: this.run(run, epoch, layer) }))).filter((each) => finite(each.at));
    plane.select(".dots").selectAll("circle").data(this.dots).join("circle").attr("r", 2.4)
      .attr("class", (each) => `dot ${colourOf(this.layers[each.layer])}`).attr("transform", (each) => place(each.at));
    this.heads = (checked("show-mean") ? layers : []).map((layer) => ({ layer, at: this.mean(epoch, layer) })).filter((each) => finite(each.at));
    plane.select(".trails").selectAll("path").data(this.heads).join("path").attr("class", (each) => `trail ${colourOf(this.layers[each.layer])}`)
      .attr("d", (each) => line(d3.range(epoch + 1).map((earlier) => this.mean(earlier, each.layer))));
    plane.select(".joined").selectAll("path").data(this.heads.length ? [this.heads] : []).join("path").attr("class", "joined")
      .attr("d", (heads) => line(heads.map((each) => each.at)));
    const crosses = checked("show-band") ? this.heads : [];
    plane.select(".crosses").selectAll("path").data(crosses).join("path").attr("class", (each) => `cross ${colourOf(this.layers[each.layer])}`)
      .attr("d", ({ layer, at }) => {
        const ends = (quantity) => ["low", "high"].map((kind) => this.value(quantity, kind, epoch, layer));
        const [x, y] = [ends("i_xt").map(this.x), ends("i_ty").map(this.y)];
        return `M${x[0]},${this.y(at[1])}H${x[1]}M${this.x(at[0])},${y[0]}V${y[1]}`;
      });
    plane.select(".means").selectAll("path").data(this.heads).join("path").attr("class", (each) => `mean ${colourOf(this.layers[each.layer])}`)
      .attr("d", (each) => symbolOf(this.layers[each.layer], 90)).attr("transform", (each) => place(each.at));
    this.updateFollowed(epoch, layers, line, place);
    for (const name of ["i_xt", "i_ty", "accuracy"]) {
      const x = this.time(this.epoch);
      this.charts[name].svg.select(".now").attr("x1", x).attr("x2", x);
    }
    this.updateNumbers(epoch);
  }

  /** The run that is followed, in the plane and in the curves. */
  updateFollowed(epoch, layers, line, place) {
    const run = this.experiment.repetitions.indexOf(state.followed);
    const epochs = d3.range(this.data.passes.length);
    const plane = this.charts.plane.svg.select(".followed");
    const trails = run < 0 ? [] : layers.map((layer) => d3.range(epoch + 1).map((earlier) => this.run(run, earlier, layer)));
    plane.selectAll("path").data(trails).join("path").attr("class", "followed").attr("d", line);
    plane.selectAll("circle").data(run < 0 ? [] : layers.filter((layer) => this.run(run, epoch, layer).every(Number.isFinite))).join("circle").attr("r", 4)
      .attr("class", (layer) => `followed-dot ${colourOf(this.layers[layer])}`)
      .attr("transform", (layer) => place(this.run(run, epoch, layer)));
    for (const quantity of Object.keys(QUANTITIES)) {
      const { svg, y } = this.charts[quantity];
      const curve = (layer) => d3.line((each) => this.time(this.data.passes[each]), (each) => y(this.ofRun(quantity, run, each, layer)))
        .defined((each) => !isNaN(this.ofRun(quantity, run, each, layer)))(epochs);
      svg.select(".followed").selectAll("path").data(run < 0 ? [] : layers).join("path").attr("class", "followed").attr("d", curve);
    }
    const { svg, y } = this.charts.accuracy;
    const its = this.accuracies;
    const places = d3.range(its.passes.length);
    const curve = (quantity) => {
      const values = numbers(its[quantity].runs).slice(run * places.length, (run + 1) * places.length);
      return d3.line((each) => this.time(its.passes[each]), (each) => y(values[each])).defined((each) => !isNaN(values[each]))(places);
    };
    svg.select(".followed").selectAll("path").data(run < 0 ? [] : ["train_accuracy", "test_accuracy"]).join("path").attr("class", "followed").attr("d", curve);
  }

  updateNumbers(epoch) {
    this.caption.text(`After ${this.epoch} of ${this.trained} epochs: mean and 10 % to 90 % quantile`);
    const rows = this.body.selectAll("tr").data(d3.range(this.layers.length)).join("tr");
    rows.selectAll("th").data((layer) => [layer]).join("th").attr("scope", "row").text((layer) => this.nameOf(layer));
    rows.selectAll("td").data((layer) => Object.keys(QUANTITIES).map((quantity) => ["mean", "low", "high"].map((kind) => this.value(quantity, kind, epoch, layer))))
      .join("td").html((values) => (isNaN(values[0]) ? "–" : `${fine(values[0])} <small>${fine(values[1])}–${fine(values[2])}</small>`));
    const accuracies = ["train_accuracy", "test_accuracy"].map((quantity) => this.accuracyAt(quantity, this.epoch, "mean"));
    this.accuracy.text(isNaN(accuracies[0]) ? "No accuracy is known before the first epoch."
      : `Accuracy: ${fine(accuracies[0])} in training, ${fine(accuracies[1])} in the test.`);
    const texts = this.indices().map((layer) => `${this.nameOf(layer)} at ${this.mean(epoch, layer).map(narrow).join(" and ")} bits`);
    const what = `${this.experiment.label}, ${this.view.label}, after ${this.epoch} of ${this.trained} epochs`;
    this.charts.plane.svg.attr("aria-label", `Information plane of ${what}: ${texts.join("; ")}`);
    for (const [name, text] of Object.entries({ ...QUANTITIES, accuracy: "accuracy" })) {
      this.charts[name].svg.attr("aria-label", `Curves of ${text} over epochs, of ${what}; the table below has the values`);
    }
  }

  /** The mean or run that the pointer is at. */
  at(event) {
    const [x, y] = d3.pointer(event, this.charts.plane.svg.node());
    const distance = (each) => Math.hypot(this.x(each.at[0]) - x, this.y(each.at[1]) - y);
    const inView = ({ at }) => [this.x, this.y].every((scale, axis) => within(at[axis], scale.domain()));
    const candidates = [...this.heads.map((each) => [distance(each) - 4, each]), ...this.dots.map((each) => [distance(each), each])].filter(([, each]) => inView(each));
    const [gap, found] = d3.least(candidates, (each) => each[0]) || [Infinity, null];
    return gap < NEAR ? found : null;
  }

  point(event) {
    const found = this.at(event);
    if (!found) return leave();
    const { run, layer, at } = found;
    const kind = run === undefined ? "mean" : "runs";
    const who = run === undefined ? `mean of ${this.experiment.runs}` : `run ${this.experiment.repetitions[run]}`;
    const lines = [`${this.nameOf(layer)}, ${who}`, `epochs trained: ${this.epoch} of ${this.trained}`];
    lines.push(`${this.data.entropy ? "H(T) = I(X;T)" : "I(X;T)"}: ${fine(at[0])} bits`, `I(T;Y): ${fine(at[1])} bits`);
    const [train, test] = ["train_accuracy", "test_accuracy"].map((quantity) => this.accuracyAt(quantity, this.epoch, kind, run));
    if (!isNaN(train)) lines.push(`accuracy: ${fine(train)} training, ${fine(test)} test`);
    const tooltip = byId("tooltip");
    tooltip.textContent = lines.join("\n");
    tooltip.hidden = false;
    const { clientX, clientY } = event;
    tooltip.style.left = `${Math.min(clientX + 14, innerWidth - tooltip.offsetWidth - 8)}px`;
    tooltip.style.top = `${clientY + 18 + tooltip.offsetHeight > innerHeight ? clientY - tooltip.offsetHeight - 10 : clientY + 14}px`;
  }

  /** A click on a run follows it, one beside all points lets go. */
  follow(event) {
    const found = this.at(event);
    const run = found && found.run !== undefined ? this.experiment.repetitions[found.run] : null;
    state.followed = run === state.followed ? null : run;
    state.sides.forEach((side) => side.fillMenus());
    update();
  }
}

// ---- The whole page ---------------------------------------------------------------------------------------------

function leave() { byId("tooltip").hidden = true; }

function update() {
  const slider = byId("slider");
  slider.value = state.place;
  const trained = d3.max(state.sides.filter((side) => side.data), (side) => side.trained) || 0;
  slider.setAttribute("aria-valuetext", `${now()} of ${trained} epochs trained`);
  byId("epoch").textContent = now() === 0 ? "0 (initial)" : `${now()} of ${trained}`;
  state.sides.forEach((side) => side.update());
}

function go(place) {
  state.place = Math.min(Math.max(place, 0), state.passes.length - 1);
  leave();
  update();
}

function redraw() {
  state.sides.forEach((side) => side.draw());
  update();
}

/** What is shown has changed: other epochs, other layers. */
function restart() {
  const before = now();
  const atEnd = state.place === state.passes.length - 1;
  state.passes = [...new Set(state.sides.flatMap((side) => (side.data ? side.data.passes : [0])))].sort(d3.ascending);
  state.place = atEnd ? state.passes.length - 1 : nearest(state.passes, before);
  byId("slider").max = state.passes.length - 1;
  state.sides.forEach((side) => side.fillMenus());
  fillLegend();
  redraw();
}

/** What both sides call a layer, or its number where they differ. */
function commonName(layer) {
  const sides = state.sides.filter((side) => side.layers.includes(layer));
  const names = new Set(sides.map((side) => side.nameOf(side.layers.indexOf(layer))));
  return names.size === 1 ? [...names][0] : `T${layer}`;
}

function fillLegend() {
  const layers = [...new Set(state.sides.flatMap((side) => side.layers))].sort(d3.ascending);
  d3.select("#layers").selectAll("button").data(layers, (layer) => layer).join((enter) => {
    const button = enter.append("button").attr("type", "button").attr("id", (layer) => `layer-${layer}`);
    button.append("svg").attr("viewBox", "-7 -7 14 14").attr("aria-hidden", "true").append("path")
      .attr("class", (layer) => `mean ${colourOf(layer)}`).attr("d", (layer) => symbolOf(layer, 80));
    button.append("span");
    return button;
  }).attr("aria-pressed", shown).on("click", (event, layer) => {
    if (!state.hidden.delete(layer)) state.hidden.add(layer);
    fillLegend();
    redraw();
  }).order().select("span").text(commonName);
}

let playing = null;

function pause() {
  if (playing) playing.stop();
  playing = null;
  byId("play").textContent = "Play";
  byId("play").setAttribute("aria-pressed", "false");
}

function play() {
  const last = state.passes.length - 1;
  const start = state.place === last ? 0 : state.place;
  byId("play").textContent = "Pause";
  byId("play").setAttribute("aria-pressed", "true");
  playing = d3.timer((elapsed) => {
    const place = start + Math.floor((elapsed / 1000 / SECONDS) * last);
    if (place !== state.place) go(place);
    if (place >= last) pause();
  });
}

const toggle = () => (playing ? pause() : play());

byId("play").addEventListener("click", toggle);
byId("slider").addEventListener("input", (event) => {
  pause();
  go(Number(event.target.value));
});
for (const id of ["show-runs", "show-mean", "show-band", "zoom"]) byId(id).addEventListener("change", redraw);
byId("controls").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inMenu = event.target.matches("select"); // which has its own use of all keys, and a button of space
  const pressed = event.target.matches("button, input[type=checkbox]");
  const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  if (event.key === "Escape") {
    state.followed = null;
    state.sides.forEach((side) => side.fillMenus());
    leave();
    update();
  } else if (event.key === " " && !inMenu && !pressed) {
    event.preventDefault();
    toggle();
  } else if (event.key in moves && !inMenu) {
    event.preventDefault(); // the slider would move once more
    pause();
    go(state.place + moves[event.key]);
  }
});
document.addEventListener("pointerdown", (event) => { if (!event.target.closest("svg.plane")) leave(); });
let settled = null;
let width = innerWidth;
addEventListener("resize", () => {
  if (innerWidth === width) return; // the bars of a phone come and go
  width = innerWidth;
  clearTimeout(settled);
  settled = setTimeout(redraw, 100);
});

const known = contents.views.filter((view) => Object.keys(view.parts).length);
const first = (known.length ? known : contents.views)[0];
const second = known.find((view) => view.experiment !== first.experiment) || known.find((view) => view !== first);
state.sides = [first, second].filter(Boolean).map((view, number) => new Side(number, view));
state.place = 0;
restart();
go(state.passes.length - 1);
