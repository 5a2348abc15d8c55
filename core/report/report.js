// Ink comes from the page, so that charts follow light, dark and print without being drawn again.
const ink = "currentColor";
const grid = "#7b7f8440";
const options = {
  mode: "vega-lite",
  renderer: "svg",
  tooltip: { disableDefaultStyle: false },
  actions: { export: true, source: false, compiled: false, editor: false },
  config: {
    background: "transparent",
    font: 'system-ui, "Liberation Sans", Arial, sans-serif',
    title: { color: ink },
    axis: {
      labelColor: ink,
      titleColor: ink,
      domainColor: grid,
      tickColor: grid,
      gridColor: grid,
      labelFontSize: 12,
      titleFontSize: 12,
      titleFontWeight: "normal",
      labelLimit: 200,
    },
    legend: {
      labelColor: ink,
      titleColor: ink,
      labelFontSize: 12,
      titleFontSize: 12,
      titleFontWeight: "normal",
      labelLimit: 240,
    },
    header: { labelColor: ink, titleColor: ink },
    view: { stroke: null },
  },
};

async function draw() {
  for (const place of document.querySelectorAll(".chart")) {
    const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
    delete spec.usermeta; // It may ask for a canvas, which has no ink of the page.
    try {
      await vegaEmbed(place, spec, options);
    } catch (error) {
      place.textContent = `This figure could not be drawn (${error}); its numbers are below.`;
    }
  }
  document.documentElement.dataset.drawn = "yes";
}

draw();
