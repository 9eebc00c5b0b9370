/* The gallery: a row a product, a column a persona, so that the faces of one product stand side by side. */
const PAGE = 24;
let shown = PAGE;

for (const product of night.products) {
  product.state = coverage(product);
  const said = product.faces.map((face) => face.headline || "");
  product.search = [product.title, product.sku, product.brand || "", product.category, ...new Set(said)].join("\n").toLowerCase();
}

function options(select, values, all) {
  select.replaceChildren(
    ...(all ? [el("option", { value: "" }, all)] : []),
    ...values.map(([value, name]) => el("option", { value }, name)),
  );
}

function matches(product) {
  return (
    (!view.merchant || product.merchant === view.merchant) &&
    (!view.category || product.category === view.category) &&
    (!view.state || product.state === view.state) &&
    view.text.split(/\s+/).every((word) => product.search.includes(word))
  );
}

function card(product) {
  const columns = product.personas.map((persona) => {
    const face = faceFor(product, persona.segment, view.locale, view.placement);
    const name = segmentName(persona.segment);
    return el("li", {},
      el("button", { type: "button", class: "face", onclick: () => openProduct(product, persona.segment), "aria-label": `${product.title} for ${name}, large view` },
        face ? picture(face, false) : el("div", { class: "blank" }, "no face"),
        el("span", {}, el("b", {}, String(persona.rank)), ` ${name}`)));
  });
  const missing = product.why.map((why) => words(why.reason).replaceAll("+", ", "));
  return el("article", { class: "product" },
    el("div", { class: "what" },
      el("h3", {}, el("a", { href: hashOf(product, null) }, product.title)),
      el("p", { class: "sku" }, product.sku),
      el("p", {}, `${product.price} · ${product.category}`),
      night.merchants.length > 1 ? el("p", {}, merchantOf.get(product.merchant).name) : null,
      missing.length ? el("p", { class: "lack" }, [...new Set(missing)].join("; ")) : null),
    el("ul", { class: "faces" },
      el("li", { class: "source" }, el("figure", {}, sourcePicture(product), el("figcaption", {}, "Source"))), columns));
}

function renderGallery() {
  list = night.products.filter(matches);
  const most = Math.min(6, Math.max(1, ...list.map((product) => product.personas.length)));
  $("products").style.setProperty("--faces", most + 1);
  $("products").replaceChildren(...list.slice(0, shown).map(card));
  const faces = list.reduce((sum, product) => sum + product.faces.filter(isGood).length, 0);
  $("shown").textContent = list.length
    ? `${count(list.length)} of ${counted(night.products.length, "product")}, ${counted(faces, "picture")}`
    : night.products.length ? "No product matches." : "No product has reached this point.";
  const rest = list.length - shown;
  $("more").hidden = rest <= 0;
  $("more").textContent = `Show ${Math.min(PAGE, rest)} more of ${count(rest)}`;
}

function renderRejected() {
  const most = 36;
  const byFace = new Map(); // one card a face: its last attempt, and how many there were
  for (const product of night.products) {
    for (const face of product.faces.filter((one) => one.state === "rejected")) {
      const key = [productKey(product), face.segment, face.locale, face.placement].join("|");
      byFace.set(key, { product, face, attempts: (byFace.get(key)?.attempts || 0) + 1 });
    }
  }
  const all = [...byFace.values()];
  $("rejected").replaceChildren(
    all.length
      ? el("ul", { class: "rejected" }, all.slice(0, most).map(({ product, face, attempts }) =>
          el("li", {},
            el("button", { type: "button", class: "face", onclick: () => openProduct(product, face.segment), "aria-label": `${product.title} for ${segmentName(face.segment)}, rejected; large view` },
              picture(face, false),
              el("span", {}, el("b", { class: "lack" }, face.reasons.map(words).join(", ")), attempts > 1 ? ` ${attempts} attempts` : null),
              el("span", {}, `${product.title} · ${segmentName(face.segment)} · ${face.locale}`)))))
      : el("p", { class: "none" }, "No picture was rejected."),
    ...(all.length > most ? [el("p", { class: "more" }, `${count(all.length - most)} more; each product's large view shows its own.`)] : []));
}

function filter(id, name) {
  $(id).addEventListener("input", (event) => {
    view[name] = name === "text" ? event.target.value.trim().toLowerCase() : event.target.value;
    shown = PAGE;
    if (name === "merchant") fillCategories();
    renderGallery();
  });
}

function fillCategories() {
  const within = night.products.filter((product) => !view.merchant || product.merchant === view.merchant);
  const names = [...new Set(within.map((product) => product.category))].sort();
  if (!names.includes(view.category)) view.category = "";
  options($("f-category"), names.map((name) => [name, name]), "All categories");
  $("f-category").value = view.category;
}

options($("f-merchant"), night.merchants.map((merchant) => [merchant.id, merchant.name]), "All merchants");
options($("f-locale"), locales.map((locale) => [locale, locale]));
options($("f-placement"), placements.map((placement) => [placement, words(placement)]));
$("f-placement-label").hidden = placements.length < 2;
fillCategories();
for (const name of ["text", "merchant", "category", "state", "locale", "placement"]) filter(`f-${name}`, name);
document.querySelector(".filters").addEventListener("submit", (event) => event.preventDefault());
$("more").addEventListener("click", () => {
  const first = shown;
  shown += PAGE;
  renderGallery();
  $("products").children[first]?.querySelector("a")?.focus();
});
renderGallery();
renderRejected();
follow();
