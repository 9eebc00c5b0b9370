/* The large view: one product, its source picture and all its faces. #product=<merchant>/<sku>&face=<segment> opens it. */
const viewer = $("viewer");
let open = null; // { product, segment, compare }
let list = night.products; // what the gallery shows: the order of previous and next

function hashOf(product, segment) {
  return `#product=${productKey(product)}` + (segment ? `&face=${encodeURIComponent(segment)}` : "");
}

function fromHash() {
  const match = /^#product=([^/]*)\/([^&]*)(?:&face=(.*))?$/.exec(location.hash);
  if (!match) return null;
  let merchant, sku, segment;
  try {
    [merchant, sku, segment] = match.slice(1).map((part) => (part === undefined ? null : decodeURIComponent(part)));
  } catch {
    return null;
  }
  const product = night.products.find((p) => p.merchant === merchant && p.sku === sku);
  return product ? { product, segment } : null;
}

function openProduct(product, segment) {
  const target = hashOf(product, segment);
  if (location.hash === target) follow();
  else location.hash = target;
}

function follow() {
  const found = fromHash();
  if (!found) {
    open = null;
    if (viewer.open) viewer.close();
    return;
  }
  const known = found.product.personas.some((persona) => persona.segment === found.segment);
  const first = found.product.personas.find((p) => faceFor(found.product, p.segment, view.locale, view.placement));
  const segment = known ? found.segment : (first || found.product.personas[0] || { segment: null }).segment;
  const same = open && open.product === found.product;
  open = { product: found.product, segment, compare: open ? open.compare : false };
  if (same && viewer.open) refresh();
  else build();
  if (!viewer.open) viewer.showModal();
}

function close() {
  open = null;
  history.replaceState(null, "", location.pathname + location.search);
  if (viewer.open) viewer.close();
}

function step(by) {
  const personas = open.product.personas;
  if (!personas.length) return;
  const at = personas.findIndex((persona) => persona.segment === open.segment);
  show(personas[(at + by + personas.length) % personas.length].segment);
}

function show(segment) {
  open.segment = segment;
  history.replaceState(null, "", hashOf(open.product, segment));
  refresh();
}

function stepProduct(by) {
  const at = list.indexOf(open.product);
  const next = list[at + by];
  if (at >= 0 && next) {
    history.replaceState(null, "", hashOf(next, null));
    follow();
    $("v-title").focus();
  }
}

function picture(face, large) {
  const source = large ? fullOf(face) : thumbOf(face);
  if (!source) return el("div", { class: "blank" }, "file missing");
  const attributes = { src: source, alt: face.alt_text || face.headline || "", width: face.width, height: face.height };
  return el("img", { ...attributes, loading: large ? null : "lazy", decoding: "async" });
}

function sourcePicture(product) {
  const source = sourceOf(product);
  return source
    ? el("img", { src: source, alt: `Source picture: ${product.title}`, loading: "lazy", decoding: "async" })
    : el("div", { class: "blank" }, "no source picture");
}

function build() {
  const { product } = open;
  const merchant = merchantOf.get(product.merchant);
  const at = list.indexOf(product);
  const language = (locale) =>
    el("button", { type: "button", "data-locale": locale, onclick: () => setLocale(locale) }, locale);
  viewer.replaceChildren(
    el("div", { class: "v-bar" },
      el("div", { class: "v-name" },
        el("h2", { id: "v-title", tabindex: "-1" }, product.title),
        el("p", {}, [product.sku, merchant.name, product.category, product.price].join(" · "))),
      el("div", { class: "v-tools" },
        merchant.locales.length > 1
          ? el("div", { class: "switch", role: "group", "aria-label": "Language" }, merchant.locales.map(language)) : null,
        el("button", { type: "button", id: "v-compare", onclick: () => { open.compare = !open.compare; refresh(); } }, "Compare all"),
        el("button", { type: "button", class: "icon", "aria-label": "Previous product", title: "Previous product (Shift + ←)", disabled: at <= 0, onclick: () => stepProduct(-1) }, "↑"),
        el("button", { type: "button", class: "icon", "aria-label": "Next product", title: "Next product (Shift + →)", disabled: at < 0 || at >= list.length - 1, onclick: () => stepProduct(1) }, "↓"),
        el("button", { type: "button", class: "icon", "aria-label": "Close", title: "Close (Esc)", onclick: close }, "×"))),
    el("div", { class: "v-body" },
      el("div", { class: "v-source" },
        el("figure", {}, sourcePicture(product), el("figcaption", {}, "Source picture")),
        product.view ? sourceFacts(product.view) : null,
        product.why.length
          ? el("div", { class: "v-why" }, el("h3", {}, "What is missing"),
              el("ul", { class: "plain" }, product.why.map((why) => el("li", {}, el("b", {}, `${why.missing} missing. `), why.text)))) : null),
      el("div", { class: "v-main" }, el("div", { id: "v-stage" }), el("div", { id: "v-strip", role: "group", "aria-label": "Faces" })),
      el("div", { id: "v-facts", tabindex: "0", role: "region", "aria-label": "About this face" })),
  );
  refresh();
}

function sourceFacts(seen) {
  const rows = [["Cut-out", seen.verdict === "refused" ? `refused: ${words(seen.reason)}` : "accepted"]];
  if (seen.quality !== null) rows.push(["Mask quality", seen.quality]);
  if (seen.background) rows.push(["Background", seen.background]);
  return el("div", {}, definitions(rows),
    el("div", { class: "palette", role: "img", "aria-label": `Colours: ${seen.palette.join(", ")}` },
      seen.palette.map((hex) => el("i", { style: /^#[0-9a-f]{6}$/i.test(hex) ? `background:${hex}` : null }))));
}

function refresh() {
  const { product, segment, compare } = open;
  const chosen = product.personas.find((persona) => persona.segment === segment);
  const face = chosen ? faceFor(product, segment, view.locale, view.placement) : null;
  for (const button of viewer.querySelectorAll("[data-locale]")) {
    button.setAttribute("aria-pressed", String(button.dataset.locale === view.locale));
  }
  $("v-compare").setAttribute("aria-pressed", String(compare));
  viewer.classList.toggle("comparing", compare);
  const caption = (persona) => [el("b", {}, String(persona.rank)), ` ${segmentName(persona.segment)}`];
  const blank = () => el("div", { class: "blank" }, "no face");
  const focused = document.activeElement && document.activeElement.dataset.segment;
  const faceButton = (persona, large) => {
    const one = faceFor(product, persona.segment, view.locale, view.placement);
    const here = persona.segment === segment;
    return el("button", { type: "button", class: "face", "data-segment": persona.segment, "aria-current": here ? "true" : null, onclick: () => { open.compare = false; show(persona.segment); } },
      one ? picture(one, large) : blank(),
      el("span", {}, caption(persona)),
      large && one && one.headline ? el("span", { class: "said" }, one.headline) : null,
      large && one && one.scene ? el("span", {}, one.scene) : null,
      large && persona.evidence.length ? el("span", {}, persona.evidence[0]) : null);
  };
  $("v-stage").replaceChildren(
    ...(compare
      ? [el("figure", { class: "source" }, sourcePicture(product), el("figcaption", {}, "Source picture")),
          ...product.personas.map((persona) => faceButton(persona, true))]
      : [el("figure", {}, face ? picture(face, true) : blank(),
          chosen ? el("figcaption", {}, caption(chosen), face ? [el("span", { class: `tag ${face.state}` }, face.state), lineageLink(product, face)] : null) : null)]));
  $("v-strip").replaceChildren(...(compare ? [] : product.personas.map((persona) => faceButton(persona, false))));
  $("v-facts").replaceChildren(...(chosen ? facts(product, chosen, face) : [el("p", { class: "none" }, "No audience was chosen for this product.")]));
  $("v-facts").scrollTop = 0;
  if (focused) viewer.querySelector(`[data-segment="${CSS.escape(segment)}"]`)?.focus();
}

function lineageLink(product, face) {
  return face.state === "published" && product.lineage
    ? el("a", { class: "lineage", href: `${product.lineage}#a${face.asset}` }, "lineage, from feed row to releases") : null;
}

function setLocale(locale) {
  view.locale = locale;
  $("f-locale").value = locale;
  refresh();
  renderGallery();
}

const definitions = (rows) =>
  el("dl", { class: "facts" }, rows.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => [el("dt", {}, name), el("dd", {}, String(value))]));

/** What a model was asked of the picture, what it said, and how far a yes counts. */
function judged(measured) {
  return Object.entries(measured).flatMap(([name, value]) => {
    const question = /^judge_(.*)/.exec(name)?.[1];
    if (!question || question === "answered") return [];
    const right = measured[`judged_${question}`];
    const yes = right ? `yes; right in at least ${Math.round(100 * right)} % of such answers` : "yes; no record, so it counts nothing";
    return [[`Judge: ${words(question)}`, value ? yes : "no"]];
  });
}

function facts(product, persona, face) {
  const segment = night.segments[persona.segment];
  const parts = [
    el("section", {}, el("h3", {}, "Whom it is for"),
      el("p", { class: "strong" }, segmentName(persona.segment)),
      segment ? el("p", {}, segment.description) : null,
      persona.evidence.length ? el("ul", { class: "plain" }, persona.evidence.map((line) => el("li", {}, line))) : null,
      definitions([["Rank", persona.rank], ["Score", persona.score], ["Behaviour", persona.affinity], ["Text", persona.text], ["Model's opinion", persona.model]])),
  ];
  const attempts = product.faces.filter((other) => other.segment === persona.segment && !isGood(other));
  if (face) {
    parts.push(
      el("section", {}, el("h3", {}, "What it says"),
        face.headline ? el("p", { class: "strong" }, face.headline) : null,
        (face.selling_points || []).length ? el("ul", { class: "plain" }, face.selling_points.map((line) => el("li", {}, line))) : null,
        definitions([["Answers", face.need], ["Argues with", face.angle], ["Sticker", face.sticker], ["Button", face.call_to_action], ["Scene", face.scene], ["Text alternative", face.alt_text]]),
        (face.claims || []).length
          ? el("table", { class: "mini" }, el("caption", {}, "Evidence"), el("tbody", {}, face.claims.map((claim) => el("tr", {}, el("td", {}, claim[0]), el("td", {}, el("code", {}, claim[1]), ` ${claim[2]}`))))) : null),
      el("section", {}, el("h3", {}, "Measured"),
        el("table", { class: "mini" }, el("tbody", {}, Object.entries(face.measured).filter(([name]) => !/^judged?_/.test(name)).map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, words(name)), el("td", { class: "n" }, value === null ? "–" : String(value)))))),
        definitions(judged(face.measured)),
        definitions([["Product pixels changed", face.changed], ["Attempt", face.variant + 1], ["Planned because", words(face.why)]])),
      el("section", {}, el("h3", {}, "Where it comes from"),
        face.state === "published" && !product.lineage
          ? el("p", {}, el("code", {}, `python -m jobs.ask lineage --where "asset_id = '${face.asset}'"`)) : null,
        definitions([["Feed", product.feed], ["Product", product.hash], ["Source picture", product.image], ["Cut-out", face.cutout], ["Instruction", face.instruction], ["Scene", face.backend], ["Renderer", face.renderer], ["Scorer", face.scorer], ["Asset", face.asset], ["File", face.sha256], ["Stored at", face.uri], ["Size", `${face.width} × ${face.height} px, ${count(Math.round(face.bytes / 1024))} KiB`], ["Made", `${face.made} in ${face.seconds} core-seconds`], ["Release", face.state === "published" ? night.release : null]])));
  }
  if (attempts.length) {
    parts.push(el("section", {}, el("h3", {}, "Rejected attempts"),
      el("ul", { class: "attempts" }, attempts.map((one) => el("li", {}, picture(one, false), el("span", {}, `${one.locale} · attempt ${one.variant + 1}`, el("b", {}, one.reasons.map(words).join(", ") || one.state)))))));
  }
  return parts;
}

viewer.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
viewer.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!by) return;
  event.preventDefault();
  if (event.shiftKey) stepProduct(by);
  else step(by);
});
window.addEventListener("hashchange", follow);
