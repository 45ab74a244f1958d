// SPDX-License-Identifier: Apache-2.0
// Where the page begins: the view that the hash names, in its frame.
import { render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import 'uplot/dist/uPlot.min.css';
import './app.css';
import './charts.css';
import './views.css';
import { Frame } from './frame.jsx';
import { link, useRoute } from './route.js';
import { DataView } from './view_data.jsx';
import { DecisionsView } from './view_decisions.jsx';
import { ForecastView } from './view_forecast.jsx';
import { NowView } from './view_now.jsx';

const VIEWS = { now: NowView, forecast: ForecastView, decisions: DecisionsView, data: DataView };

function Nowhere() {
  return (
    <>
      <h1>There is nothing here</h1>
      <p>
        This link leads to no view. <a href={link.now()}>Now</a> shows what is protected.
      </p>
    </>
  );
}

/** Who comes by a link hears and sees the new view from its top. */
function useArrival(route) {
  const first = useRef(true);
  const key = [route.view, ...route.words].join('/');
  useEffect(() => {
    if (!first.current) {
      scrollTo(0, 0);
      document.getElementById('content').focus({ preventScroll: true });
    }
    first.current = false;
  }, [key]);
}

function Page() {
  const route = useRoute();
  const View = VIEWS[route.view] ?? Nowhere;
  useArrival(route);
  return (
    <Frame view={route.view}>
      <View words={route.words} query={route.query} />
    </Frame>
  );
}

const place = document.getElementById('page');
place.replaceChildren();
render(<Page />, place);
