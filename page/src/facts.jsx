// SPDX-License-Identifier: Apache-2.0
// A few figures side by side, each under the word for it.

/** `facts`: [[word, value], ...]. */
export function Facts({ facts }) {
  return (
    <dl class="facts">
      {facts.map(([word, value]) => (
        <div key={word}>
          <dt>{word}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
