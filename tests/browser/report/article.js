const id = new URLSearchParams(location.search).get("infoid");
const article = await (await fetch("/api/article.json", { method: "POST", body: id })).json();
document.title = article[id].title;
document.getElementById("root").innerHTML = article[id].html;
