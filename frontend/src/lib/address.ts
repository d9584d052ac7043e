/** Where the API is: at the site's own origin, unless the build names another. */
export const API_BASE: string = import.meta.env.PUBLIC_API_URL ?? '/api/v1';
