/** The API, drawn from its own OpenAPI file by Swagger UI (Apache-2.0): it reads, tries out and shows every example. */

import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "../tokens.css";
import "./docs.css";

interface Tried {
  readonly url: string;
  readonly method: string;
  readonly headers: Record<string, string>;
}

SwaggerUI({
  dom_id: "#api",
  url: "/v1/openapi.json",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  tryItOutEnabled: true,
  validatorUrl: null,
  /** What is tried out here is asked by a page of our own, so it says what such pages say. */
  requestInterceptor: (tried: Tried): Tried => ({ ...tried, headers: { ...tried.headers, "Helpr-Request": "docs" } }),
});
