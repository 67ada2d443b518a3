// Draws what a page gives in data-chart, with Observable Plot. Without it the numbers are there as a table.
const COLOURS = ["#0b4f8a", "#c06a00", "#12643a", "#a11a1a", "#6b4fa0", "#4a7c8c", "#8a6d1f", "#59616d"];

for (const place of document.querySelectorAll("[data-chart]")) {
  const chart = JSON.parse(place.dataset.chart);
  const rows = chart.series.flatMap((s) => s.values.map(([year, value]) => ({ year, value, series: s.label })));
  const colours = chart.series.map((s, n) => (s.quiet ? "#8d96a3" : COLOURS[n % COLOURS.length]));
  const named = { x: "year", y: "value", title: (d) => `${d.year} · ${d.series}: ${d.value}` };
  const quiet = new Set(chart.series.filter((s) => s.quiet).map((s) => s.label));
  const marks = chart.stack
    ? [Plot.barY(rows, { ...named, fill: "series" })]
    : [
        Plot.lineY(rows, { ...named, stroke: "series", strokeWidth: 2 }),
        Plot.dot(rows.filter((d) => !quiet.has(d.series)), { ...named, fill: "series", r: 3 }),
      ];
  const years = rows.map((d) => d.year);
  const shown = d3.range(Math.min(...years), Math.max(...years) + 1);
  const width = Math.max(280, place.clientWidth);
  const step = Math.ceil((shown.length * 40) / (width - 60));
  const most = d3.max(chart.stack ? d3.rollup(rows, (v) => d3.sum(v, (d) => d.value), (d) => d.year).values() : rows.map((d) => d.value));
  const plot = Plot.plot({
    width,
    height: 220,
    marginLeft: 48,
    ariaLabel: chart.title,
    style: { fontFamily: "inherit", fontSize: "12px", background: "transparent" },
    x: { type: chart.stack ? "band" : "point", domain: shown, label: null, ticks: shown.filter((year) => (shown.at(-1) - year) % step === 0), tickFormat: (year) => `${year}` },
    y: { grid: true, label: null, zero: true, nice: true, ticks: Math.min(5, Math.max(1, most)) },
    color: { domain: chart.series.map((s) => s.label), range: colours, legend: chart.series.length > 1 },
    marks: [...marks, Plot.ruleY([0])],
  });
  for (const part of plot.querySelectorAll("g[aria-label]")) part.removeAttribute("aria-label");
  place.append(plot);
}
