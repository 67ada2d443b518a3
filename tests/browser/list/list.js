fetch("/private/visits.json").catch(() => 0);
fetch("/away.json").catch(() => 0);
fetch("/moved.json")
  .then((answer) => answer.json())
  .then((entries) => {
    const links = entries.map((e) => `<li><a href="${e.url}">${e.title}</a></li>`);
    document.getElementById("app").innerHTML = `<img src="/banner.png"><ul>${links.join("")}</ul>`;
    new Image().src = "http://statistics.example/count.gif";
    location.href = "/files/all.zip";
  });
