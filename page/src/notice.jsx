// SPDX-License-Identifier: Apache-2.0
// What is not there yet, and what went wrong.

export function Failure({ error }) {
  return (
    <div class="failure" role="alert">
      <strong>{error.what}</strong>
      {error.do && <p>{error.do}</p>}
    </div>
  );
}

/** A document's place until it is there. What was seen before stays while ebbd is away. */
export function Awaiting({ document: { value, error }, children }) {
  if (value) return children(value);
  if (error && !error.away) return <Failure error={error} />;
  return (
    <p class="quiet awaiting" aria-busy="true">
      Asking ebbd
    </p>
  );
}
