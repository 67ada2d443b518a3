const request = new XMLHttpRequest();
request.open("GET", "/api/list.json");
request.onload = () => {
  for (const [url, title] of JSON.parse(request.responseText)) {
    const link = document.createElement("a");
    link.href = url;
    link.textContent = title;
    document.getElementById("entries").append(link);
  }
};
request.send();
