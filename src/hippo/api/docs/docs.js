// Starts Swagger UI on /docs, with the token that the page at / keeps for this tab, if it has one.
"use strict";

const token = window.sessionStorage.getItem("hippo.token");

window.SwaggerUIBundle({
  url: "/openapi.json",
  domNode: document.getElementById("swagger-ui"),
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    if (token && !request.headers.Authorization) request.headers.Authorization = `Bearer ${token}`;
    return request;
  },
});
