// The whole page: sign in, list orders, place one with an attachment. The token lives in this browser until sign-out.
"use strict";

const $ = (id) => document.getElementById(id);
let currency = "EUR";

async function call(method, path, body) {
  const headers = {};
  const token = localStorage.getItem("token");
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body && !(body instanceof FormData)) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(body);
  }
  const response = await fetch(`api${path}`, { method, headers, body });
  if (response.ok) return response;
  const answer = await response.json().catch(() => ({}));
  if (response.status === 401 && token) signOut();
  throw new Error(typeof answer.detail === "string" ? answer.detail : `The backend answered ${response.status}.`);
}

async function json(method, path, body) {
  return (await call(method, path, body)).json();
}

// attempt: runs what a person asked for, and shows in words why it failed.
function attempt(action) {
  return async (event) => {
    event?.preventDefault();
    $("message").textContent = "";
    try {
      await action(event?.currentTarget ?? event?.target);
    } catch (error) {
      $("message").textContent = error.message;
    }
  };
}

async function showHealth() {
  const line = $("health");
  try {
    const health = await (await fetch("api/health")).json();
    line.className = health.status === "ok" ? "good" : "bad";
    line.textContent = health.status === "ok" ? "All is well" : health.problems.join("; ");
  } catch {
    line.className = "bad";
    line.textContent = "The backend does not answer";
  }
}

function showAccount(user) {
  $("account").hidden = $("shop").hidden = !user;
  $("login-section").hidden = Boolean(user);
  $("who").textContent = user ? `Signed in as ${user}` : "";
}

function signOut() {
  localStorage.removeItem("token");
  showAccount(null);
}

function cell(row, content, className = "") {
  const td = row.insertCell();
  td.className = className;
  td.append(content);
}

async function showOrders() {
  const { count, orders } = await json("GET", "/orders?limit=20");
  const money = new Intl.NumberFormat(undefined, { style: "currency", currency });
  $("count").textContent = `(${count.toLocaleString()})`;
  $("orders").replaceChildren();
  for (const order of orders) {
    const row = $("orders").insertRow();
    cell(row, String(order.number));
    cell(row, new Date(order.created_at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }));
    cell(row, order.item);
    cell(row, String(order.quantity), "figure");
    cell(row, money.format((order.quantity * order.price_cents) / 100), "figure");
    cell(row, order.status);
    cell(row, order.upload_id ? attachment(order) : "");
  }
}

function attachment(order) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.textContent = "Download";
  button.setAttribute("aria-label", `Download the attachment of order ${order.number}`);
  button.onclick = attempt(async () => {
    const response = await call("GET", `/uploads/${order.upload_id}`);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    const name = /filename\*=utf-8''([^;]+)|filename="([^"]+)"/i.exec(response.headers.get("Content-Disposition") ?? "");
    link.download = name ? decodeURIComponent(name[1] ?? name[2]) : `upload-${order.upload_id}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
  return button;
}

async function enter() {
  showAccount((await json("GET", "/me")).user);
  await showOrders();
}

$("login").onsubmit = attempt(async (form) => {
  const { user, password } = Object.fromEntries(new FormData(form));
  localStorage.setItem("token", (await json("POST", "/login", { user, password })).token);
  form.reset();
  await enter();
});

$("logout").onclick = attempt(async () => {
  await call("POST", "/logout");
  signOut();
});

$("new-order").onsubmit = attempt(async (form) => {
  const values = Object.fromEntries(new FormData(form));
  let uploadId = null;
  if (values.file.size > 0) {
    const file = new FormData();
    file.append("file", values.file);
    uploadId = (await json("POST", "/uploads", file)).id;
  }
  await json("POST", "/orders", {
    item: values.item,
    quantity: Number(values.quantity),
    price_cents: Math.round(Number(values.price) * 100),
    note: values.note,
    upload_id: uploadId,
  });
  form.reset();
  await showOrders();
});

attempt(async () => {
  showHealth();
  setInterval(showHealth, 15_000);
  const shop = await json("GET", "/config");
  currency = shop.currency;
  $("shop-name").textContent = document.title = shop.name;
  if (localStorage.getItem("token")) await enter();
})();
