import '@kinvolk/headlamp-plugin/lib/i18n/config';
import './bundledAssets.ts';
import './fonts.css';
// First of Headlamp's own modules: they import each other in circles, and start from here in Headlamp too.
import Plugins from '@kinvolk/headlamp-plugin/lib/plugin/Plugins';
import ErrorBoundary from '@kinvolk/headlamp-plugin/lib/components/common/ErrorBoundary';
import { getBaseUrl } from '@kinvolk/headlamp-plugin/lib/helpers/getBaseUrl';
import { useCurrentAppTheme } from '@kinvolk/headlamp-plugin/lib/components/App/themeSlice';
import { PreviousRouteProvider } from '@kinvolk/headlamp-plugin/lib/components/App/RouteSwitcher';
import { queryClient } from '@kinvolk/headlamp-plugin/lib/lib/queryClient';
import { setStore } from '@kinvolk/headlamp-plugin/lib/lib/router/createRouteURL';
import { createMuiTheme, usePrefersColorScheme } from '@kinvolk/headlamp-plugin/lib/lib/themes';
import store from '@kinvolk/headlamp-plugin/lib/redux/stores/store';
import { StyledEngineProvider, ThemeProvider } from '@mui/material/styles';
import { QueryClientProvider } from '@tanstack/react-query';
import { SnackbarProvider } from 'notistack';
import { type ReactNode, useMemo } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'react-redux';
import { BrowserRouter } from 'react-router-dom';
import { Layout } from './Layout.tsx';

setStore(store);

function HeadlampTheme({ children }: { children: ReactNode }) {
  usePrefersColorScheme();
  const appTheme = useCurrentAppTheme();
  const theme = useMemo(() => createMuiTheme(appTheme), [appTheme]);
  return (
    <StyledEngineProvider injectFirst>
      <ThemeProvider theme={theme}>{children}</ThemeProvider>
    </StyledEngineProvider>
  );
}

/** Headlamp's providers in Headlamp's order; its npm package holds everything but this outermost layer. */
function App() {
  return (
    <ErrorBoundary>
      <Provider store={store}>
        <QueryClientProvider client={queryClient}>
          <HeadlampTheme>
            <SnackbarProvider anchorOrigin={{ vertical: 'bottom', horizontal: 'left' }}>
              <BrowserRouter basename={getBaseUrl()}>
                <PreviousRouteProvider>
                  <Plugins />
                  <Layout />
                </PreviousRouteProvider>
              </BrowserRouter>
            </SnackbarProvider>
          </HeadlampTheme>
        </QueryClientProvider>
      </Provider>
    </ErrorBoundary>
  );
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
