// Axes, colours and filters of a study's scatter plots, and what is known of a point that is chosen.
// The page's first picture comes from C++; this draws the same (scale.cpp, scatter.cpp) when asked.
// Fragments: #select=KEY&x=METRIC&y=METRIC&colour=COLUMN&COLUMN=VALUE (or COLUMN=all).
'use strict';
(() => {
  const source = document.getElementById('data');
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const { metrics, columns, points } = data;
  const W = 860, frame = { left: 76, top: 14, right: 640, bottom: 430 };
  const chosen = { i: -1 };
  const filters = columns.map(() => -1);
  const escape = (s) => String(s).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
  const short = (v) => {
    const m = Math.abs(v), g = (x) => String(+x.toPrecision(4));
    return m >= 1e9 ? g(v / 1e9) + 'G' : m >= 1e6 ? g(v / 1e6) + 'M' : m >= 1e4 ? g(v / 1e3) + 'k' : m < 1e-12 ? '0' : g(v);
  };
  const exact = (v) => (v === null ? 'none' : Math.abs(v) >= 1000 && Math.abs(v) < 1e7 ? v.toFixed(0) : String(+v.toPrecision(4)));

  function linear(low, high, from, to, ticks = 6) {
    if (!(high > low)) { const m = low === 0 ? 1 : Math.abs(low) * 0.05; high = low + m; low -= m; }
    const rough = (high - low) / ticks, power = 10 ** Math.floor(Math.log10(rough)), digit = rough / power;
    const step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    const list = [];
    for (let i = Math.floor(low / step + 1e-9); i <= Math.ceil(high / step - 1e-9); ++i) list.push(i * step);
    const a = list[0], b = list[list.length - 1];
    return { ticks: list, low: a, high: b, at: (v) => from + (v - a) / (b - a) * (to - from) };
  }
  function log(low, high, from, to) {
    const all = [], slack = 1 + 1e-9;
    for (let e = Math.floor(Math.log10(low)) - 1; e <= Math.ceil(Math.log10(high)) + 1; ++e) for (const d of [1, 2, 5]) all.push(+(d + 'e' + e));
    const a = Math.max(...all.filter((c) => c <= low * slack));
    let b = Math.min(...all.filter((c) => c * slack >= high));
    if (b <= a * slack) b = a * 2;
    const few = Math.log10(b / a) > 3;
    const ticks = all.filter((c) => c * slack >= a && c <= b * slack && !(few && !/^1(e|0|$)|^0?\.0*1$/.test(String(c))));
    return { ticks, low: a, high: b, at: (v) => from + Math.log(v / a) / Math.log(b / a) * (to - from) };
  }
  function scale(of, m, from, to) {
    let low = Infinity, high = -Infinity;
    for (const i of of) { const v = points[i].m[m]; if (v !== null) { low = Math.min(low, v); high = Math.max(high, v); } }
    if (low > high) return linear(0, 1, from, to);
    return low > 0 && high > 10 * low ? log(low, high, from, to) : linear(low, high, from, to);
  }
  function front(of, x, y) {
    const cost = (i, m) => (metrics[m].most ? -points[i].m[m] : points[i].m[m]);
    const order = of.filter((i) => points[i].m[x] !== null && points[i].m[y] !== null)
      .sort((a, b) => cost(a, x) - cost(b, x) || cost(a, y) - cost(b, y) || a - b);
    const best = [];
    for (const i of order) if (!best.length || cost(i, y) < cost(best[best.length - 1], y)) best.push(i);
    return best;
  }
  const shown = () => points.map((_, i) => i).filter((i) => filters.every((f, c) => f < 0 || points[i].v[c] === f));
  const title = (m) => `${m.name}, ${m.unit} (${m.most ? 'more' : 'less'} is better)`;
  const line = (x1, y1, x2, y2, css) => `<line class="${css}" x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}"/>`;
  const text = (x, y, s, anchor, css, more = '') => `<text class="${css}" x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"${more}>${escape(s)}</text>`;
  function axes(x, y, xTitle, yTitle, f) {
    let out = `<g class="axis x" data-low="${x.low}" data-high="${x.high}">`;
    for (const t of x.ticks) out += line(x.at(t), f.top, x.at(t), f.bottom, 'grid') + text(x.at(t), f.bottom + 18, short(t), 'middle', 'tick');
    out += line(f.left, f.bottom, f.right, f.bottom, 'base') + text((f.left + f.right) / 2, f.bottom + 40, xTitle, 'middle', 'title') + '</g>';
    if (!y) return out;
    out += `<g class="axis y" data-low="${y.low}" data-high="${y.high}">`;
    for (const t of y.ticks) out += line(f.left, y.at(t), f.right, y.at(t), 'grid') + text(f.left - 8, y.at(t) + 4, short(t), 'end', 'tick');
    const middle = (f.top + f.bottom) / 2;
    return out + line(f.left, f.top, f.left, f.bottom, 'base') +
      text(f.left - 54, middle, yTitle, 'middle', 'title', ` transform="rotate(-90 ${f.left - 54} ${middle})"`) + '</g>';
  }
  const plots = data.plots.map((p) => ({ ...p, svg: document.getElementById(p.id) }));
  let colour = data.colour;

  function draw() {
    const of = shown();
    for (const p of plots) {
      const x = scale(of, p.x, frame.left, frame.right), y = scale(of, p.y, frame.bottom, frame.top);
      const best = front(of, p.x, p.y), isBest = new Set(best);
      let d = '', before = null;
      for (const i of best) {
        const px = x.at(points[i].m[p.x]), py = y.at(points[i].m[p.y]);
        d += before === null ? `M${px.toFixed(1)} ${py.toFixed(1)}` : `L${px.toFixed(1)} ${before.toFixed(1)}L${px.toFixed(1)} ${py.toFixed(1)}`;
        before = py;
      }
      let out = axes(x, y, title(metrics[p.x]), title(metrics[p.y]), frame) + `<path class="front" d="${d}"/>`;
      for (const i of of) {
        const q = points[i];
        if (q.m[p.x] === null || q.m[p.y] === null) continue;
        const v = q.v[colour];
        out += `<circle class="dot ${v < 0 ? 'rest' : 'k' + v % 8}${isBest.has(i) ? ' best' : ''}${i === chosen.i ? ' chosen' : ''}" data-i="${i}" ` +
          `cx="${x.at(q.m[p.x]).toFixed(1)}" cy="${y.at(q.m[p.y]).toFixed(1)}" r="${isBest.has(i) ? 6 : 4}"/>`;
      }
      p.svg.querySelector('.plot').innerHTML = out;
    }
    const used = new Set(of.map((i) => points[i].v[colour]));
    document.getElementById('colours').innerHTML = columns[colour].values.map((v, n) => (used.has(n) ? entry('k' + n % 8, v) : '')).join('');
    document.getElementById('shown').textContent = `${of.length} of ${points.length} points shown.`;
  }
  const entry = (css, name) => `<li><svg viewBox="0 0 12 12"><rect class="${css}" width="12" height="12"/></svg>${escape(name)}</li>`;
  const row = (a, b) => `<tr><td>${escape(a)}</td><td>${escape(b)}</td></tr>`;
  const valueOf = (p, c) => (p.v[c] < 0 ? '-' : columns[c].values[p.v[c]]);

  // As Draw(BarChart) of chart.cpp: parts are {name, css, values by layer}.
  function bars(id, label, unit, names, parts, marks) {
    const rowHeight = 17, left = Math.min(240, 14 + 6.6 * Math.max(4, ...names.map((n) => n.length)));
    const sums = names.map((_, i) => parts.reduce((s, p) => s + Math.max(0, p.values[i]), 0));
    const f = { left, top: 8, right: W - 24, bottom: 8 + rowHeight * names.length };
    const x = linear(0, Math.max(1e-12, ...sums, ...(marks || [])), f.left, f.right, 8);
    let out = axes(x, null, `${label}, ${unit}`, '', f);
    names.forEach((name, i) => {
      const y = f.top + rowHeight * i;
      let sum = 0;
      out += `<g class="bar">` + text(f.left - 8, y + rowHeight / 2 + 4, name, 'end', 'name');
      for (const p of parts) {
        if (!(p.values[i] > 0)) continue;
        const a = x.at(sum);
        sum += p.values[i];
        out += `<rect class="${p.css}" x="${a.toFixed(2)}" y="${(y + 2.5).toFixed(1)}" width="${(x.at(sum) - a).toFixed(2)}" height="12"><title>${escape(`${name}\n${p.name}: ${exact(p.values[i])} ${unit}`)}</title></rect>`;
      }
      if (marks) out += line(x.at(marks[i]), y + 1, x.at(marks[i]), y + rowHeight - 1, 'mark');
      out += '</g>';
    });
    return `<ul class="legend">${parts.map((p) => entry(p.css, p.name)).join('')}</ul><svg id="${id}" viewBox="0 0 ${W} ${f.bottom + 50}" role="img" aria-label="${label}">${out}</svg>`;
  }
  function layers(i) {
    const l = data.layers[i];
    if (!l) return '<p class="note">The layers of this point are in the ledger and not in this file (sim report --layers N takes more). The command above shows them.</p>';
    const names = data.names[l.names];
    return '<h3>Energy by layer</h3>' + bars('point-energy', 'energy', 'µJ', names, l.energy) +
      '<h3>Cycles by layer</h3>' + bars('point-cycles', 'time', 'thousand cycles', names, l.cycles, l.marks);
  }
  function choose(i) {
    chosen.i = i;
    const p = points[i];
    let html = '<h3>Chosen point</h3><table>' + metrics.map((m, n) => (p.m[n] === null ? '' : row(m.name, `${exact(p.m[n])} ${m.unit}`))).join('') + '</table>';
    html += '<h3>What the plan gives it</h3><table>' + columns.map((c, n) => (c.planned ? row(c.key, valueOf(p, n)) : '')).join('') + '</table>';
    html += `<h3>Run it again</h3><pre><code>${escape(p.c)}</code></pre><p class="note">Ledger row <code>${p.k}</code></p>`;
    html += '<details><summary>Full design point</summary><table>' + columns.map((c, n) => (n > 0 && p.v[n] >= 0 ? row(c.key, valueOf(p, n)) : '')).join('') +
      (data.constants[p.p] || []).map(([k, v]) => row(k, v)).join('') + '</table></details>';
    document.getElementById('detail').innerHTML = html;
    document.getElementById('layers').innerHTML = layers(i);
    draw();
  }

  const select = (label, options, value, change) => {
    const l = document.createElement('label'), s = document.createElement('select');
    l.textContent = label;
    s.innerHTML = options.map(([v, name]) => `<option value="${v}"${v === value ? ' selected' : ''}>${escape(name)}</option>`).join('');
    s.addEventListener('change', () => { change(+s.value); draw(); });
    l.append(s);
    return l;
  };
  function controls() {
    const box = document.getElementById('controls');
    const names = metrics.map((m, n) => [n, m.name]);
    box.replaceChildren(
      select('across', names, plots[0].x, (v) => { plots[0].x = v; }),
      select('up', names, plots[0].y, (v) => { plots[0].y = v; }),
      select('colour', columns.map((c, n) => [n, c.key]).filter(([n]) => columns[n].planned), colour, (v) => { colour = v; }));
    columns.forEach((c, n) => {
      if (!c.planned || c.values.length < 2) return;
      box.append(select('only ' + c.key, [[-1, 'all'], ...c.values.map((v, k) => [k, v])], filters[n], (v) => { filters[n] = v; }));
    });
  }
  function follow() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    let pick = -1;
    for (const [key, value] of wanted) {
      const m = metrics.findIndex((q) => q.id === value), c = columns.findIndex((q) => q.key === (key === 'colour' ? value : key));
      if (key === 'select') pick = points.findIndex((p) => p.k === value);
      else if ((key === 'x' || key === 'y') && m >= 0) plots[0][key] = m;
      else if (key === 'colour' && c >= 0) colour = c;
      else if (c >= 0) filters[c] = value === 'all' ? -1 : columns[c].values.indexOf(value);
    }
    if (pick >= 0 && filters[0] >= 0) filters[0] = points[pick].v[0];
    controls();
    if (pick >= 0) choose(pick); else draw();
  }

  if (columns[0].values.length > 1) filters[0] = 0;
  document.addEventListener('click', (e) => {
    const dot = e.target.closest('[data-i]');
    if (dot) { choose(+dot.dataset.i); history.replaceState(null, '', '#select=' + points[dot.dataset.i].k); }
  });
  const tip = document.getElementById('tip');
  document.addEventListener('mousemove', (e) => {
    const dot = e.target.closest && e.target.closest('[data-i]');
    tip.style.display = dot ? 'block' : 'none';
    if (!dot) return;
    const p = points[dot.dataset.i], plot = plots.find((q) => q.svg.contains(dot));
    tip.textContent = [plot.x, plot.y].map((m) => `${metrics[m].name}: ${exact(p.m[m])} ${metrics[m].unit}`)
      .concat(columns.map((c, n) => (c.planned ? `${c.key}: ${valueOf(p, n)}` : '')).filter(Boolean)).join('\n');
    tip.style.left = Math.min(e.clientX + 14, innerWidth - tip.offsetWidth - 8) + 'px';
    tip.style.top = Math.min(e.clientY + 14, innerHeight - tip.offsetHeight - 8) + 'px';
  });
  addEventListener('hashchange', follow);
  controls();
  if (location.hash) follow();
})();
