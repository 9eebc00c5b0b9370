"use strict";
const night = JSON.parse(document.getElementById("night").textContent);
const $ = (id) => document.getElementById(id);

/** An element; texts are set as text, never parsed as HTML. Attributes that are null or false are left out. */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return node;
}

const words = (code) => String(code).replaceAll("_", " ");
const count = (n) => n.toLocaleString("en-US");
const counted = (n, one) => `${count(n)} ${one}${n === 1 ? "" : "s"}`;
const segmentName = (id) => (night.segments[id] ? night.segments[id].name : words(id));
const merchantOf = new Map(night.merchants.map((merchant) => [merchant.id, merchant]));
const thumbOf = (face) => (face.thumb ? `thumbs/${face.asset}.jpg` : null);
const sourceOf = (product) => (product.image ? `thumbs/source-${product.image}.jpg` : null);
const fullOf = (face) => (night.store && face.thumb ? night.store + face.uri : thumbOf(face));
const isGood = (face) => face.state === "published" || face.state === "accepted";

/** "complete", "partial" or "none": how many of the wanted faces are in the release, or would be before there is one. */
function coverage(product) {
  const good = product.faces.filter((face) => (night.release ? face.state === "published" : isGood(face))).length;
  return good === 0 ? "none" : product.why.length || good < product.wanted ? "partial" : "complete";
}

/** The face that a segment gets in a language and format; the merchant's first language where it lacks this one. */
function faceFor(product, segment, locale, placement) {
  const faces = product.faces.filter((face) => face.segment === segment && isGood(face));
  const locales = merchantOf.get(product.merchant).locales;
  const language = locales.includes(locale) ? locale : locales[0];
  const inLanguage = faces.filter((face) => face.locale === language);
  return inLanguage.find((face) => face.placement === placement) || inLanguage[0] || null;
}

const productKey = (product) => `${encodeURIComponent(product.merchant)}/${encodeURIComponent(product.sku)}`;
const drawn = night.products.flatMap((product) => product.faces.map((face) => face.placement));
const often = (placement) => drawn.filter((other) => other === placement).length;
const placements = [...new Set(drawn)].sort().sort((a, b) => often(b) - often(a));
const locales = [...new Set(night.merchants.flatMap((merchant) => merchant.locales))];
const view = { text: "", merchant: "", category: "", state: "", locale: locales[0] || "", placement: placements[0] || "" };
